/* The "java" of the benchmark: says on standard output when something happened to it.

   BENCH_ACTOR   exec    say when we were started, and end
                 term    and wait for TERM, say when it came, and end
                 storm   and wait for BENCH_SETTLE ms, then leave BENCH_ORPHANS orphans that end at once; say when
                         the last one is gone, and wait for TERM */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void say(const char *what, long long when) { dprintf(1, "%s %lld\n", what, when); }

static void make_orphan(void) {
    pid_t middle = fork();
    if (middle == 0) {
        if (fork() == 0)
            _exit(0);
        _exit(0);
    }
    waitpid(middle, NULL, 0);
}

/* Every process of this pid namespace but PID 1 and us; a zombie counts until it is reaped. */
static int count_others(void) {
    int count = 0;
    struct dirent *entry;
    DIR *proc = opendir("/proc");
    while (proc && (entry = readdir(proc)))
        if (isdigit(entry->d_name[0]) && atoi(entry->d_name) != 1 && atoi(entry->d_name) != getpid())
            count++;
    if (proc)
        closedir(proc);
    return count;
}

int main(void) {
    long long started = now();
    const char *role = getenv("BENCH_ACTOR");
    sigset_t term;
    int number;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    say("exec", started);
    if (role && !strcmp(role, "term")) {
        sigwait(&term, &number);
        say("term", now());
    } else if (role && !strcmp(role, "storm")) {
        int orphans = atoi(getenv("BENCH_ORPHANS"));
        usleep(1000 * atoi(getenv("BENCH_SETTLE")));
        int others = count_others();
        say("storm", now());
        for (int i = 0; i < orphans; i++)
            make_orphan();
        while (count_others() > others)
            usleep(500);
        say("drained", now());
        sigwait(&term, &number);
    }
    return 0;
}
