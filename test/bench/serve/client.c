/* The measuring side of `npm run bench -- serve`. Prints the nanoseconds of each turn as one JSON array.
   client qtest SOCKET TURNS COMMAND TIMES [COMMAND TIMES]: a turn is so many of these lines to QEMU's qtest, sent at once, and their
   answers. client vfio-user SOCKET TURNS READS|WRITES: a turn is one message to the server itself, without QEMU. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { VERSION = 1, READ = 9, WRITE = 10, NO_REPLY = 0x10, REGISTER = 4 };

struct message { uint16_t id, command; uint32_t size, flags, error; uint64_t offset; uint32_t region, count, data; };

static void need(int ok, const char *what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void give(int fd, const void *bytes, size_t length) {
  need(send(fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length, "send");
}

/* Takes answers until so many lines have come. Each has to be OK. */
static void take_lines(int fd, int lines) {
  static char buffer[1 << 16];
  while (lines > 0) {
    ssize_t count = recv(fd, buffer, sizeof buffer, 0);
    need(count > 0, "qtest");
    if (memchr(buffer, 'F', count) || memchr(buffer, 'E', count)) exit(fprintf(stderr, "qtest: %.*s", (int)count, buffer));
    for (ssize_t i = 0; i < count; i++) lines -= buffer[i] == '\n';
  }
}

/* Takes one message; answers its header. */
static struct message take_message(int fd) {
  static uint8_t buffer[1 << 16];
  struct message head = {0};
  size_t held = 0;
  while (held < 16 || held < head.size) {
    ssize_t count = recv(fd, buffer + held, sizeof buffer - held, 0);
    need(count > 0, "the server");
    held += count;
    memcpy(&head, buffer, held < sizeof head ? held : sizeof head);
  }
  if (head.flags & 0x20) exit(fprintf(stderr, "the server answers with errno %u\n", head.error));
  return head;
}

static void ask(int fd, int command, uint32_t value, int wants_reply) {
  size_t size = command == READ ? 32 : 36;
  struct message message = {1, command, size, wants_reply ? 0 : NO_REPLY, 0, REGISTER, 0, 4, value};
  give(fd, &message, size);
  if (wants_reply) take_message(fd);
}

static void greet(int fd) {
  static const char text[] =
      "{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":1048576,\"max_dma_maps\":65535,\"pgsizes\":4096,\"write_multiple\":true}}";
  uint8_t bytes[20 + sizeof text] = {0};
  struct message head = {1, VERSION, sizeof bytes, 0, 0, 0, 0, 0, 0};
  memcpy(bytes, &head, 16);
  memcpy(bytes + 20, text, sizeof text);
  give(fd, bytes, sizeof bytes);
  take_message(fd);
}

static int connected(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  need(strlen(path) < sizeof address.sun_path, path);
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  need(connect(fd, (void *)&address, sizeof address) == 0, path);
  return fd;
}

int main(int count, char **words) {
  if (count < 5) return fprintf(stderr, "usage: client qtest|vfio-user SOCKET TURNS ...\n"), 2;
  int fd = connected(words[2]), turns = atoi(words[3]), is_qtest = strcmp(words[1], "qtest") == 0, lines = 0;
  static char text[1 << 16];
  size_t length = 0;
  for (int i = 4; is_qtest && i + 1 < count; i += 2)
    for (int n = atoi(words[i + 1]); n > 0; n--, lines++)
      length += snprintf(text + length, sizeof text - length, "%s\n", words[i]), need(length < sizeof text, "too long");
  if (!is_qtest) greet(fd);
  for (int turn = 0; turn < turns; turn++) {
    uint64_t begin = now();
    if (is_qtest) give(fd, text, length), take_lines(fd, lines);
    else if (words[4][0] == 'R') ask(fd, READ, 0, 1);
    else ask(fd, WRITE, turn, 0), ask(fd, READ, 0, 1);
    printf("%s%llu", turn ? "," : "[", (unsigned long long)(now() - begin));
  }
  puts("]");
  return 0;
}
