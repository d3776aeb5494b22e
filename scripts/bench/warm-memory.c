// warm-memory MB MB_PER_SEC: takes so much memory into use, prints "ready", and at the first line on standard input begins
// to give it back at that rate.
//
// A virtual machine may hand memory nobody uses back to its host, and pays dearly, in the CPU time of whoever touches it
// next, when it gets it again (2 ms a MB have been seen, as much as copying it ten times). A recorder that has run for a
// day never meets that: its page cache is memory long in use. Given back as fast as footage is written, warm memory is
// what the page cache gets here too. It is held in huge pages, since the page cache asks for large pieces.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define TURNS_PER_SEC 5
#define HUGE_PAGE ((size_t)2 << 20)

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: warm-memory MB MB_PER_SEC\n");
    return 2;
  }
  size_t left = (strtoul(argv[1], NULL, 10) << 20) & ~(HUGE_PAGE - 1);
  size_t turn = (strtoul(argv[2], NULL, 10) << 20) / TURNS_PER_SEC;
  turn = (turn + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
  char *memory = mmap(NULL, left + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    perror("warm-memory");
    return 1;
  }
  memory = (char *)(((uintptr_t)memory + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
  madvise(memory, left, MADV_HUGEPAGE);
  memset(memory, 1, left);
  puts("ready");
  fflush(stdout);
  if (getchar() == EOF) return 0;
  while (left > 0) {
    size_t part = turn < left ? turn : left;
    left -= part;
    munmap(memory + left, part);
    struct timespec nap = {.tv_nsec = 1000000000L / TURNS_PER_SEC};
    nanosleep(&nap, NULL);
  }
  return 0;
}
