// Runs `npm run demo` and draws what it prints, with its timing, as docs/demo.svg. The drawing follows the reader's
// colour scheme. All of the output can be read from the beginning, faintly; the animation shows when each line came,
// and ends. A viewer without animations shows the end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const title = 'npm run demo: a client is revoked while it is connected, and its connection is closed';
/** How long the prompt stands alone; what came before the first line is the start of npm. */
const promptMs = 600;
/** Added before each step, so that the steps can be read. */
const pauseMs = 1200;
const character = 7.25;
const lineHeight = 17;
const top = 62;
const left = 18;

/** By the parameter of the escape sequence that starts it. */
const classes = { 1: 'bold', 2: 'dim', 32: 'good' };

const lines = await record();
writeFileSync(new URL('../docs/demo.svg', import.meta.url), draw(lines));
console.log(`docs/demo.svg: ${lines.length} lines, ${(lines.at(-1).ms / 1000).toFixed(1)} s`);

/** Each line that the demo prints, and how long after the first, in milliseconds. */
async function record() {
  const env = { ...process.env, FORCE_COLOR: '1', TMPDIR: '/tmp' };
  delete env.NO_COLOR;
  const demo = spawn('npm', ['run', '--silent', 'demo'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = [];
  let rest = '';
  let started;
  demo.stdout.setEncoding('utf8').on('data', (text) => {
    started ??= performance.now();
    const ms = Math.round(performance.now() - started);
    const parts = (rest + text).split('\n');
    rest = parts.pop();
    lines.push(...parts.map((line) => ({ ms, line })));
  });
  const [code] = await once(demo, 'close');
  if (code !== 0 || rest !== '') throw new Error(`the demo ended with ${code}, after "${rest}"`);
  return lines;
}

function draw(lines) {
  const columns = Math.max(...lines.map(({ line }) => parts(line).reduce(lengthOf, 0)));
  const width = Math.ceil(2 * left + columns * character);
  const height = top + lines.length * lineHeight + 8;
  const delays = delaysOf(lines);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">`,
    `<desc>Recorded by npm run record. data-ms is how long after the first line a line was printed. The animation adds ${pauseMs} ms before each step.</desc>`,
    `<style>${style()}</style>`,
    `<rect class="window" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>`,
    ...[0, 1, 2].map((dot) => `<circle cx="${left + 4 + dot * 18}" cy="18" r="5"/>`),
    `<text class="prompt" x="${left}" y="${top - lineHeight - 2}">$ npm run demo</text>`,
    ...lines.flatMap(({ ms, line }, index) =>
      line === ''
        ? []
        : `<text class="line" xml:space="preserve" data-ms="${ms}" style="animation-delay:${delays[index]}ms" x="${left}" y="${top + index * lineHeight}">${parts(line).map(drawPart).join('')}</text>`,
    ),
    '</svg>\n',
  ].join('\n');
}

/** When each line appears, in milliseconds. */
function delaysOf(lines) {
  let added = promptMs;
  return lines.map(({ ms, line }) => {
    if (parts(line)[0]?.name === 'bold') added += pauseMs;
    return ms + added;
  });
}

/** A line, cut where its colour changes. */
function parts(line) {
  // eslint-disable-next-line no-control-regex
  const pieces = line.split(/\x1b\[(\d+)m/);
  return pieces
    .map((text, index) => ({ text, name: classes[pieces[index - 1]] }))
    .filter(({ text }, index) => index % 2 === 0 && text !== '');
}

function lengthOf(sum, { text }) {
  return sum + text.length;
}

function drawPart({ text, name }) {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return name === undefined ? escaped : `<tspan class="${name}">${escaped}</tspan>`;
}

function style() {
  return [
    'text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#1f2328}',
    '.window{fill:#f6f8fa;stroke:#d0d7de}circle{fill:#d0d7de}.prompt,.bold{font-weight:700}.dim{fill:#59636e}.good{fill:#1a7f37}',
    '@keyframes appear{from{opacity:0.3}}.line{animation:appear 200ms backwards}',
    '@media (prefers-reduced-motion:reduce){.line{animation:none}}',
    '@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.window{fill:#0d1117;stroke:#3d444d}circle{fill:#3d444d}.dim{fill:#9198a1}.good{fill:#3fb950}}',
  ].join('');
}
