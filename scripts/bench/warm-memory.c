// warm-memory MB: takes twice so much memory into use, prints "ready", and at the first line on standard input gives half
// of it back, in pieces; the other half it keeps until it is ended.
//
// A virtual machine may hand memory nobody uses back to its host, and pays dearly, in the CPU time of whoever touches it
// next, when it gets it again (2 ms a MB have been seen, as much as copying it ten times). A recorder that has run for a
// day never meets that: its page cache is memory long in use. So the page cache is given such memory here too: pieces as
// large as the page cache asks for, which the kernel hands out before it breaks up larger ones. What is kept between them
// holds them apart: they do not grow together into blocks that go to the host again.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define SMALL_PAGE ((size_t)4 << 10)

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: warm-memory MB\n");
    return 2;
  }
  size_t size = strtoul(argv[1], NULL, 10) << 21;
  char *memory = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    perror("warm-memory");
    return 1;
  }
  memory = (char *)(((uintptr_t)memory + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
  madvise(memory, size, MADV_HUGEPAGE);
  memset(memory, 1, size);
  puts("ready");
  fflush(stdout);
  if (getchar() == EOF) return 0;
  for (size_t at = 0; at < size; at += HUGE_PAGE) {
    // Half of a huge page is given back only once it has been split, which MADV_FREE of a part of it does at once.
    madvise(memory + at, SMALL_PAGE, MADV_FREE);
    madvise(memory + at, HUGE_PAGE / 2, MADV_DONTNEED);
  }
  pause();
  return 0;
}
