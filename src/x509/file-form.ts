/**
 * Recognises files and variables that should be PEM or DER but have another form, and knows how to convert each.
 *
 * @module
 */

/** The form of a file that is not PEM or DER. */
export interface FileForm {
  /** The form, as a clause. */
  readonly seen: string;
  /** The remedy, if neither a command nor code converts it. */
  readonly advice?: string;
  /** The shell command that converts it; the file is called FILE. */
  readonly command?: string;
  /** The expression that converts it; a string is called `value`, a Buffer `bytes`. */
  readonly code?: string;
}

// Enough to recognise a form; a CRL may have hundreds of megabytes.
const sampleLength = 65_536;

/** Recognises the form; `undefined` if it is unknown. */
export function findFileForm(bytes: Buffer): FileForm | undefined {
  const sample = bytes.toString('latin1', 0, sampleLength);
  const known = binaryForms.find(({ start }) => start.test(sample));
  if (known !== undefined) return known;
  const text = sample.replace(/^\xef\xbb\xbf/, '');
  // A file with a BEGIN line at the start of a line is PEM, even if it is damaged.
  const isPem = /^-----BEGIN (?!PGP )/m.test(text);
  const form = isPem ? undefined : textForms.find(({ pattern }) => pattern.test(text));
  return form ?? findWrapping(text, isPem) ?? findBase64(text);
}

/** The remedy for a form. */
export function remedyOf({ advice, command, code }: FileForm): string {
  const remedies = [
    ...(advice === undefined ? [] : [advice]),
    ...(command === undefined ? [] : [`in a shell: ${command}`]),
    ...(code === undefined ? [] : [`in code: ${code}`]),
  ];
  return remedies.join('; ');
}

function utf16(name: string, code: string): FileForm {
  return {
    seen: `it is text in ${name}, but PEM is ASCII`,
    command: `iconv -f ${name} -t UTF-8 FILE >NEW`,
    code,
  };
}

const littleEndian = "bytes.toString('utf16le')";
const bigEndian = "bytes.swap16().toString('utf16le')";

const binaryForms: readonly (FileForm & { readonly start: RegExp })[] = [
  {
    start: /^\xff\xfe\0\0|^\0\0\xfe\xff/,
    seen: 'it is text in UTF-32, but PEM is ASCII',
    command: 'iconv -f UTF-32 -t UTF-8 FILE >NEW',
  },
  { start: /^\xff\xfe/, ...utf16('UTF-16', littleEndian) },
  { start: /^\xfe\xff/, ...utf16('UTF-16', bigEndian) },
  { start: /^(?:[\t\n\r -~]\0){4}/, ...utf16('UTF-16LE', littleEndian) },
  { start: /^(?:\0[\t\n\r -~]){4}/, ...utf16('UTF-16BE', bigEndian) },
  {
    start: /^\xfe\xed\xfe\xed|^\xce\xce\xce\xce/,
    seen: 'it is a Java keystore',
    command:
      'keytool -importkeystore -srckeystore FILE -destkeystore NEW.p12 -deststoretype PKCS12, and then openssl pkcs12 -in NEW.p12 -out NEW.pem',
  },
  {
    start: /^\x1f\x8b/,
    seen: 'it is compressed with gzip',
    command: 'gunzip -c FILE >NEW',
    code: 'zlib.gunzipSync(bytes)',
  },
  { start: /^PK\x03\x04/, seen: 'it is a ZIP archive', command: 'unzip FILE' },
  { start: /^\0+$/, seen: 'it contains only zeros', advice: 'write the file again' },
  {
    start: /^0\x80/,
    seen: 'it is BER with indefinite lengths, not DER',
    advice: 'write it again as DER or PEM',
  },
];

const textForms: readonly (FileForm & { readonly pattern: RegExp })[] = [
  {
    pattern: /^-----BEGIN PGP /m,
    seen: 'it is OpenPGP, not X.509',
    advice: 'use a certificate, a key or a CRL of a CA',
  },
  {
    pattern: /^(?:ssh-|ecdsa-|sk-)[!-~]+ AAAA|^---- BEGIN SSH2 /,
    seen: 'it is an SSH public key, not X.509',
    advice: 'use a certificate of a CA, or the private key of one',
  },
  {
    pattern: /^PuTTY-User-Key-File-/,
    seen: 'it is a PuTTY private key',
    advice: 'export it with PuTTYgen as an OpenSSH key, and convert that: ssh-keygen -p -m PKCS8 -f COPY',
  },
  {
    pattern: /^\s*<(?:[!?]|[a-z])/i,
    seen: 'it is HTML or XML, such as a login page or an error page',
    advice: 'check the answer of the server, and fetch the file itself',
  },
  {
    pattern: /^\s*(?:\{\s*["}]|\[\s*["{\]])/,
    seen: 'it is JSON',
    command: 'jq -r .FIELD FILE >NEW',
    code: 'JSON.parse(value).field',
  },
  {
    pattern: /^(?:apiVersion|kind): /m,
    seen: 'it is a Kubernetes manifest',
    command: "kubectl get secret NAME -o jsonpath='{.data.ca\\.crt}' | base64 -d >NEW",
  },
  {
    pattern: /^version https:\/\/git-lfs\./,
    seen: 'it is a pointer of Git LFS, not the file',
    command: 'git lfs pull',
  },
  {
    pattern: /^\$ANSIBLE_VAULT;/,
    seen: 'it is encrypted with Ansible Vault',
    command: 'ansible-vault decrypt --output NEW FILE',
  },
  {
    pattern: /^age-encryption\.org\//,
    seen: 'it is encrypted with age',
    command: 'age --decrypt -i IDENTITY -o NEW FILE',
  },
  {
    pattern: /^Certificate(?: Request| Revocation List \(CRL\))?:\s+(?:Data|Version)\b/m,
    seen: 'it is a description, as "openssl x509 -text" prints it',
    advice: 'use the file that it describes; without -noout, OpenSSL prints the PEM too',
  },
  {
    pattern: /^-----BEGIN%20[A-Z0-9%]+-----%0[AD]/i,
    seen: 'it is percent-encoded, as nginx encodes a certificate in a header',
    command: "perl -pe 's/%([0-9A-Fa-f]{2})/chr hex $1/ge' FILE >NEW",
    code: 'decodeURIComponent(value)',
  },
  {
    pattern: /^\s*(?:\\x)?30:?8[0-9a-f:\s]{40,}$/i,
    seen: 'it is DER in hexadecimal digits',
    command: `perl -0pe 's/[^0-9A-Fa-f]//g; $_ = pack "H*", $_' FILE >NEW`,
    code: "Buffer.from(value.replaceAll(/[^0-9a-f]/gi, ''), 'hex')",
  },
  {
    pattern: /\xe2[\x80\x88][\x90-\x95] ?BEGIN /,
    seen: 'its dashes were replaced, as word processors and mail programs do',
    advice: 'use the original file',
  },
];

// Three kinds of quotes, by their octal codes, because quotes have a meaning in a shell.
const removeQuotes = "tr -d '\\042\\047\\140' <FILE";

/** PEM with something around it, or without line breaks. */
function findWrapping(text: string, isPem: boolean): FileForm | undefined {
  const isQuoted = /^\s*["'`]\s*-----BEGIN /.test(text);
  const isEscaped = /-----BEGIN [A-Z0-9 #]+-----(?:\\r)?\\n/.test(text);
  const unquote = isQuoted ? '.trim().slice(1, -1)' : '';
  if (isEscaped)
    return {
      seen: `it has \\n instead of line breaks${isQuoted ? ', and quotes around it' : ''}`,
      command: `printf '%b\\n' "$(${isQuoted ? removeQuotes : 'cat FILE'})" >NEW`,
      code: `value${unquote}${text.includes('\\r') ? ".replaceAll('\\\\r', '')" : ''}.replaceAll('\\\\n', '\\n')`,
    };
  if (isQuoted)
    return { seen: 'it has quotes around it', command: `${removeQuotes} >NEW`, code: `value${unquote}` };
  if (/^[ \t]+-----BEGIN /m.test(text))
    return {
      seen: 'it is indented, but a BEGIN line must not be',
      command: "sed 's/^[[:space:]]*//' FILE >NEW",
      code: "value.replaceAll(/^[ \\t]+/gm, '')",
    };
  if (/-----BEGIN [A-Z0-9 #]+-----[ \t]*[A-Za-z0-9+/]/.test(text))
    return {
      seen: 'it has lost its line breaks',
      command: "perl -pe 's/\\s*(-----(BEGIN|END) [A-Z0-9 ]+-----)\\s*/\\n$1\\n/g' FILE >NEW",
      code: "value.replaceAll(/\\s*(-----(?:BEGIN|END) [A-Z0-9 ]+-----)\\s*/g, '\\n$1\\n')",
    };
  if (!isPem && /^[^-\r\n]{1,20}-----BEGIN /m.test(text))
    return {
      seen: 'its lines have a prefix, such as "> " or "# "',
      command: "sed 's/^[>#; ]*//' FILE >NEW",
      code: "value.replaceAll(/^[>#; ]+/gm, '')",
    };
  return undefined;
}

/** Base64 without BEGIN and END lines, or of the whole file. */
function findBase64(text: string): FileForm | undefined {
  if (!/^[A-Za-z0-9+/\s]{40,}={0,2}$/.test(text.trimEnd())) return undefined;
  const decoded = Buffer.from(text, 'base64');
  const decode = { command: 'base64 -d <FILE >NEW', code: "Buffer.from(value, 'base64')" };
  if (/^-----BEGIN |^LS0tLS1CRUdJTi/.test(decoded.toString('latin1', 0, 20)))
    return {
      seen: 'it is base64 of PEM, as in a Kubernetes secret that was encoded twice',
      ...decode,
    };
  if (decoded[0] === 0x30 && (decoded[1] ?? 0) >= 0x80)
    return { seen: 'it is base64 of DER, without BEGIN and END lines', ...decode };
  return undefined;
}
