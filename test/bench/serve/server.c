/* The yardstick of `npm run bench -- serve`: the least userspace that serves edu's identity and registers by vfio-user.
   server SOCKET: listens, prints a line, and serves clients one after the other. One recvmsg and one send for each message; DMA and interrupts are
   accepted and not used. @see QEMU 11.1, docs/interop/vfio-user.rst */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { VERSION = 1, MAP, UNMAP, INFO, REGION_INFO, IRQ_INFO = 7, SET_IRQS, READ, WRITE, RESET = 13, WRITE_MULTI = 15 };
enum { REPLY = 1, NO_REPLY = 0x10, ERROR = 0x20, INVALID = 22, UNSUPPORTED = 95 };
enum { BAR_SIZE = 1 << 20, CONFIG = 7, REGIONS = 9, IRQS = 5 };

struct header { uint16_t id, command; uint32_t size, flags, error; };
struct access { uint64_t offset; uint32_t region, count; };

static uint8_t config[256] = {0x34, 0x12, 0xe8, 0x11, [8] = 0x10, [11] = 0xff, [0x3d] = 1};
static uint32_t liveness, status;

static void need(int ok, const char *what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static uint32_t register_read(uint64_t offset) {
  return offset == 0 ? 0x010000ed : offset == 4 ? ~liveness : offset == 0x20 ? status : 0xffffffff;
}

static void access_write(const struct access *at, const uint8_t *data) {
  uint32_t value = 0;
  memcpy(&value, data, at->count < 4 ? at->count : 4);
  if (at->region == CONFIG && at->offset + at->count <= sizeof config) {
    if (at->offset == 0x10) value &= ~(BAR_SIZE - 1);
    if (at->offset >= 4 && at->offset < 0x14) memcpy(config + at->offset, &value, at->count < 4 ? at->count : 4);
  } else if (at->region == 0 && at->offset == 4) liveness = value;
  else if (at->region == 0 && at->offset == 0x20) status = value;
}

static void access_read(const struct access *at, uint8_t *into) {
  uint32_t value = register_read(at->offset);
  memset(into, 0xff, at->count);
  if (at->region == CONFIG) {
    if (at->offset + at->count <= sizeof config) memcpy(into, config + at->offset, at->count);
  } else memcpy(into, &value, at->count < 4 ? at->count : 4);
}

/* Fills the body of a reply; answers its size, or minus an errno. */
static int answer(const struct header *request, const uint8_t *body, uint8_t *reply) {
  static const char version[] = "{\"capabilities\":{\"max_msg_fds\":16,\"write_multiple\":true}}";
  const struct access *at = (const void *)body;
  uint32_t index = ((const uint32_t *)body)[2], *word = (void *)reply;
  switch (request->command) {
  case VERSION: memset(reply, 0, 4); memcpy(reply + 4, version, sizeof version); return 4 + sizeof version;
  case MAP: case SET_IRQS: case RESET: return 0;
  case UNMAP: memcpy(reply, body, 24); return 24;
  case INFO: word[0] = 16, word[1] = 3, word[2] = REGIONS, word[3] = IRQS; return 16;
  case REGION_INFO:
    memset(reply, 0, 32);
    word[0] = 32, word[1] = 3, word[2] = index, word[4] = index == 0 ? BAR_SIZE : index == CONFIG ? sizeof config : 0;
    return 32;
  case IRQ_INFO:
    if (index > 2) return -INVALID;
    word[0] = 16, word[1] = 7, word[2] = index, word[3] = index == 0;
    return 16;
  case READ:
    if (at->count > 4096) return -INVALID;
    memcpy(reply, body, 16);
    access_read(at, reply + 16);
    return 16 + at->count;
  case WRITE: access_write(at, body + 16); memcpy(reply, body, 16); return 16;
  case WRITE_MULTI:
    for (uint64_t n = *(const uint64_t *)body, i = 0; i < n; i++) access_write((const void *)(body + 8 + 24 * i), body + 24 + 24 * i);
    return 0;
  }
  return -UNSUPPORTED;
}

static void serve(int fd, const uint8_t *message) {
  static uint8_t reply[1 << 16];
  const struct header *request = (const void *)message;
  struct header *head = (void *)reply;
  int length = answer(request, message + sizeof *head, reply + sizeof *head);
  if (request->flags & NO_REPLY) return;
  *head = (struct header){request->id, request->command, sizeof *head + (length > 0 ? length : 0), REPLY, 0};
  if (length < 0) head->flags |= ERROR, head->error = -length;
  need(send(fd, reply, head->size, MSG_NOSIGNAL) == head->size, "send");
}

/* Reads some bytes behind those that there are; descriptors are closed. Answers how many. */
static ssize_t receive(int fd, uint8_t *into, size_t size) {
  union { char bytes[CMSG_SPACE(16 * sizeof(int))]; struct cmsghdr header; } control;
  struct iovec vector = {into, size};
  struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t count = recvmsg(fd, &header, 0);
  struct cmsghdr *first = count > 0 ? CMSG_FIRSTHDR(&header) : NULL;
  for (size_t i = 0; first && i < (first->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) close(((int *)CMSG_DATA(first))[i]);
  return count;
}

int main(int count, char **words) {
  static uint8_t buffer[1 << 21];
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (count != 2 || strlen(words[1]) >= sizeof address.sun_path) return fprintf(stderr, "usage: server SOCKET\n"), 2;
  strcpy(address.sun_path, words[1]);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  need(bind(listener, (void *)&address, sizeof address) == 0 && listen(listener, 1) == 0, words[1]);
  puts("ready"), fflush(stdout);
  for (int fd; need((fd = accept(listener, NULL, NULL)) >= 0, "accept"), 1; close(fd)) {
    size_t held = 0;
    for (ssize_t more; (more = receive(fd, buffer + held, sizeof buffer - held)) > 0;) {
      size_t at = 0;
      held += more;
      for (uint32_t size; held - at >= sizeof(struct header); at += size) {
        size = ((struct header *)(buffer + at))->size;
        if (size < sizeof(struct header) || size > sizeof buffer) return fprintf(stderr, "a message of %u bytes\n", size), 1;
        if (held - at < size) break;
        serve(fd, buffer + at);
      }
      memmove(buffer, buffer + at, held -= at);
    }
  }
}
