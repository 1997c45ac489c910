/* Says when the program that comes after it begins: begin PROGRAM [ARGUMENT ...]

   It has the pid that the program gets, so the program is PID 1 where begin was. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct timespec now;
    (void)argc;
    clock_gettime(CLOCK_MONOTONIC, &now);
    dprintf(1, "begin %lld\n", now.tv_sec * 1000000000LL + now.tv_nsec);
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return 127;
}
