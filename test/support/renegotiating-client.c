/*
 * A TLS 1.2 client that renegotiates with another certificate than it came with. Once its TCP connection is made,
 * it obeys lines, and answers each:
 *
 *   handshake      the first one: "connected"
 *   send PATH      sends a request and waits for nothing: "sent"
 *   request PATH   sends a request and waits: "answered", "alert" or "closed"
 *   renegotiate    to the end: "renegotiated", "declined" or "failed"
 *   stall          as far as its Certificate message: "stalled", or "declined"
 *
 * Once it is declined or has stalled it goes on obeying from inside the handshake. Asked to, OpenSSL would end the
 * connection when it is declined; an attacker would not.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static SSL *ssl;
static const char *other_certificate, *other_key;
static int is_in_handshake, is_to_stall;

static void obey(void);

static void say(const char *answer) {
  puts(answer);
  fflush(stdout);
}

static void require(int holds, const char *what) {
  if (holds)
    return;
  fprintf(stderr, "renegotiating-client: cannot %s\n", what);
  exit(1);
}

/* In a handshake OpenSSL collects what it sends, 4 kB at a time. What is longer goes out at once. */
static void send_request(const char *path) {
  char request[8192];
  int length = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: localhost\r\nX-Padding: %05000d\r\n\r\n", path, 0);
  require(length > 0 && length < (int)sizeof request, "fit the request");
  require(SSL_write(ssl, request, length) == length, "send the request");
}

static int receive(unsigned char *bytes, size_t length) {
  return length == 0 || recv(SSL_get_fd(ssl), bytes, length, MSG_WAITALL) == (ssize_t)length;
}

/* OpenSSL reads no answers in a handshake. But the type of a record is not encrypted. */
static const char *next_record(void) {
  unsigned char header[5], body[1 << 16];
  if (!receive(header, sizeof header) || !receive(body, (size_t)(header[3] << 8 | header[4])))
    return "closed";
  return header[0] == SSL3_RT_APPLICATION_DATA ? "answered" : "alert";
}

static void request(const char *path) {
  char answer[8192];
  send_request(path);
  if (is_in_handshake)
    say(next_record());
  else
    say(SSL_read(ssl, answer, sizeof answer) > 0 ? "answered" : "closed");
}

static void renegotiate(void) {
  require(SSL_use_certificate_chain_file(ssl, other_certificate) == 1, "read the other certificate");
  require(SSL_use_PrivateKey_file(ssl, other_key, SSL_FILETYPE_PEM) == 1, "read the other key");
  require(SSL_renegotiate(ssl) == 1, "ask for renegotiation");
  say(SSL_do_handshake(ssl) == 1 && !SSL_renegotiate_pending(ssl) ? "renegotiated" : "failed");
}

static void obey_in_handshake(const char *answer) {
  is_in_handshake = 1;
  say(answer);
  obey();
  exit(0);
}

static void on_message(int is_sent, int version, int type, const void *bytes, size_t length, SSL *of, void *arg) {
  const unsigned char *message = bytes;
  (void)version, (void)of, (void)arg;
  if (!is_sent && type == SSL3_RT_ALERT && length == 2 && message[1] == SSL_AD_NO_RENEGOTIATION)
    obey_in_handshake("declined");
  if (is_sent && is_to_stall && type == SSL3_RT_HANDSHAKE && message[0] == SSL3_MT_CERTIFICATE)
    obey_in_handshake("stalled");
}

static void obey(void) {
  char line[256];
  while (fgets(line, sizeof line, stdin) != NULL) {
    char command[16] = "", path[200] = "";
    sscanf(line, "%15s %199s", command, path);
    if (strcmp(command, "handshake") == 0) {
      require(SSL_connect(ssl) == 1, "shake hands");
      say("connected");
    } else if (strcmp(command, "send") == 0) {
      send_request(path);
      say("sent");
    } else if (strcmp(command, "request") == 0) {
      request(path);
    } else {
      is_to_stall = strcmp(command, "stall") == 0;
      require(is_to_stall || strcmp(command, "renegotiate") == 0, "understand the command");
      renegotiate();
    }
  }
}

int main(int argc, char **argv) {
  require(argc == 8, "start without: PORT SERVERNAME CA CERTIFICATE KEY OTHER-CERTIFICATE OTHER-KEY");
  other_certificate = argv[6], other_key = argv[7];

  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  require(context != NULL, "make a context");
  SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_msg_callback(context, on_message);
  require(SSL_CTX_load_verify_locations(context, argv[3], NULL) == 1, "read the CA");
  require(SSL_CTX_use_certificate_chain_file(context, argv[4]) == 1, "read the certificate");
  require(SSL_CTX_use_PrivateKey_file(context, argv[5], SSL_FILETYPE_PEM) == 1, "read the key");

  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  require(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");

  ssl = SSL_new(context);
  SSL_set_tlsext_host_name(ssl, argv[2]);
  SSL_set_fd(ssl, fd);
  say("dialled");
  obey();
  return 0;
}
