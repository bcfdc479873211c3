/* The yardstick of `measure`: the least userspace that serves a guest on /dev/kvm. Real mode, one page of code at 0x1000.
   yardstick TIMES RUNS ZONES CODE: ZONES is port/size,... or "none", CODE is hex. Prints one JSON value: userspace exits and
   nanoseconds of each run. Reads answer zeros; what is written is added up, so that no compiler leaves it out. */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#define RAM (1 << 20)
#define START 0x1000

static volatile uint64_t sink;

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

static void drain(struct kvm_coalesced_mmio_ring *ring) {
  const unsigned slots = (4096 - sizeof *ring) / sizeof ring->coalesced_mmio[0];
  while (ring->first != ring->last) {
    const struct kvm_coalesced_mmio *entry = &ring->coalesced_mmio[ring->first];
    sink += entry->phys_addr + entry->data[0];
    __sync_synchronize();
    ring->first = (ring->first + 1) % slots;
  }
}

static unsigned serve(int vcpu, struct kvm_run *run) {
  struct kvm_coalesced_mmio_ring *ring = (void *)((char *)run + 2 * 4096);
  for (unsigned exits = 1;; exits++) {
    need(ioctl(vcpu, KVM_RUN, 0) == 0, "KVM_RUN");
    drain(ring);
    if (run->exit_reason == KVM_EXIT_HLT) return exits;
    need(run->exit_reason == KVM_EXIT_IO, "an exit of another kind");
    char *data = (char *)run + run->io.data_offset;
    if (run->io.direction == KVM_EXIT_IO_OUT) sink += *(uint8_t *)data;
    else memset(data, 0, run->io.size * run->io.count);
  }
}

static void begin(int vcpu) {
  struct kvm_sregs sregs;
  struct kvm_regs regs = {.rip = START, .rflags = 2};
  need(ioctl(vcpu, KVM_GET_SREGS, &sregs) == 0, "KVM_GET_SREGS");
  sregs.cs.base = sregs.cs.selector = 0;
  need(ioctl(vcpu, KVM_SET_SREGS, &sregs) == 0, "KVM_SET_SREGS");
  need(ioctl(vcpu, KVM_SET_REGS, &regs) == 0, "KVM_SET_REGS");
}

static void zones(int vm, char *list) {
  if (strcmp(list, "none") == 0) return;
  for (char *one = strtok(list, ","); one != NULL; one = strtok(NULL, ",")) {
    struct kvm_coalesced_mmio_zone zone = {.pio = 1};
    zone.addr = strtoul(one, &one, 0);
    zone.size = strtoul(one + 1, NULL, 0);
    need(ioctl(vm, KVM_REGISTER_COALESCED_MMIO, &zone) == 0, "KVM_REGISTER_COALESCED_MMIO");
  }
}

int main(int count, char **words) {
  need(count == 5, "yardstick TIMES RUNS ZONES CODE");
  const unsigned times = atoi(words[1]), runs = atoi(words[2]);
  const int kvm = open("/dev/kvm", O_RDWR);
  need(kvm >= 0, "/dev/kvm");
  const int vm = ioctl(kvm, KVM_CREATE_VM, 0);
  need(vm >= 0, "KVM_CREATE_VM");
  uint8_t *ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct kvm_userspace_memory_region slot = {.memory_size = RAM, .userspace_addr = (uintptr_t)ram};
  need(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot) == 0, "KVM_SET_USER_MEMORY_REGION");
  for (unsigned at = 0; words[4][2 * at] != 0; at++) sscanf(words[4] + 2 * at, "%2hhx", ram + START + at);
  const int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
  need(vcpu >= 0, "KVM_CREATE_VCPU");
  struct kvm_run *run = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
  need(run != MAP_FAILED, "mmap");
  zones(vm, words[3]);
  unsigned exits = 0;
  printf("{\"times\":%u,\"nanoseconds\":[", times);
  for (unsigned index = 0; index < runs; index++) {
    begin(vcpu);
    const uint64_t started = now();
    exits = serve(vcpu, run);
    printf("%s%llu", index == 0 ? "" : ",", (unsigned long long)(now() - started));
  }
  printf("],\"userspaceExits\":%u}\n", exits);
  return 0;
}
