/* Sets the scene of one torture run, then execs entrypoint: stage [word…] -- command

   pidns              a pid namespace of its own, with its /proc; this process stays outside and tells how PID 1 ended
   tmpfs=PATH,OPTIONS a small or read-only file system there (with pidns)
   group=FILE         enter a control group: our pid is written to FILE
   files=N            so many descriptors at most
   closed             standard descriptors closed
   full               standard output and error are a pipe that nobody reads
   ignored            CHLD, TERM and some others ignored, as a careless parent leaves them
   blocked            every signal blocked, as a careless parent leaves them */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void need(int result, const char *what) {
    if (result >= 0) return;
    perror(what);
    _exit(99);
}

static void stay_outside(void) {
    int status;
    pid_t child;
    need(unshare(CLONE_NEWPID | CLONE_NEWNS), "unshare");
    need(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
    child = fork();
    need(child, "fork");
    if (child == 0) {
        need(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
        need(mount("proc", "/proc", "proc", 0, NULL), "mount proc");
        return;
    }
    for (int number = 1; number < NSIG; number++)
        if (number != SIGCHLD) signal(number, SIG_IGN);
    while (waitpid(child, &status, 0) < 0) continue;
    if (WIFSIGNALED(status)) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(WTERMSIG(status), SIG_DFL);
        kill(getpid(), WTERMSIG(status));
        pause();
    }
    _exit(WEXITSTATUS(status));
}

static void mount_small(char *value) {
    char *options = strchr(value, ',');
    unsigned long flags = 0;
    *options++ = '\0';
    if (!strcmp(options, "ro")) {
        flags = MS_RDONLY;
        options = "";
    }
    need(mount("none", value, "tmpfs", flags, options), "mount tmpfs");
}

static void enter(const char *file) {
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    need(fd, file);
    need((int)write(fd, "0", 1), file);
    close(fd);
}

static void fill_pipe(void) {
    int ends[2];
    char bytes[4096] = {0};
    need(pipe(ends), "pipe");
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    while (write(ends[1], bytes, sizeof bytes) > 0) continue;
    fcntl(ends[1], F_SETFL, 0);
    /* The reading end stays open, in us and so in entrypoint: a writer waits, and gets no PIPE. */
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    close(ends[1]);
}

static void set(char *word) {
    char *value = strchr(word, '=');
    if (value != NULL) *value++ = '\0';
    if (!strcmp(word, "pidns")) stay_outside();
    else if (!strcmp(word, "tmpfs")) mount_small(value);
    else if (!strcmp(word, "group")) enter(value);
    else if (!strcmp(word, "files")) {
        struct rlimit files = {(rlim_t)atoi(value), (rlim_t)atoi(value)};
        need(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
    } else if (!strcmp(word, "closed")) {
        close(0);
        close(1);
        close(2);
    } else if (!strcmp(word, "full")) fill_pipe();
    else if (!strcmp(word, "ignored")) {
        int ignored[] = {SIGCHLD, SIGTERM, SIGHUP, SIGUSR1, SIGTTOU};
        for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
    } else if (!strcmp(word, "blocked")) {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
    } else {
        fprintf(stderr, "stage: no such word: %s\n", word);
        _exit(99);
    }
}

int main(int count, char **words) {
    int i = 1;
    for (; i < count && strcmp(words[i], "--"); i++) set(words[i]);
    if (i + 1 >= count) _exit(99);
    execvp(words[i + 1], words + i + 1);
    perror(words[i + 1]);
    return 99;
}
