/* A layer of faults between a Python program and libc, by LD_PRELOAD.

   FAULTS="CALL:ERROR:SKIP:COUNT[:PATH];…": the call fails with this errno after SKIP calls, COUNT times (0: for ever),
   where PATH is part of the name of the file it is about. ERROR "short" makes a write or read one byte long, "jump"
   moves the wall clock (call clock) by hours, forwards and back. Calls: open write read fork spawn thread socket pipe poll
   memory rename mkdir truncate sync chdir clock wait.

   It acts in python only, not in what python starts, and only from the moment in which the program blocks its signals:
   a fault in the interpreter's own boot tells nothing about the program. Sources (.py, .pyc, .so) and this process's
   /proc are left alone unless PATH names them. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RULES = 8, SHORT = 10001, JUMP = 10002 };

struct rule {
    char call[12];
    int error;
    atomic_long skip;
    long count;
    char path[256];
};

static struct rule rules[RULES];
static int known;
static atomic_int armed;
static int here;

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static int error_of(const char *word) {
    if (!strcmp(word, "short")) return SHORT;
    if (!strcmp(word, "jump")) return JUMP;
    return atoi(word);
}

__attribute__((constructor)) static void begin(void) {
    char program[256] = {0}, text[2048] = {0}, *kept = NULL;
    const char *faults = getenv("FAULTS");
    if (faults == NULL || readlink("/proc/self/exe", program, sizeof program - 1) < 0) return;
    if (strstr(program, "python") == NULL) return;
    strncpy(text, faults, sizeof text - 1);
    for (char *one = strtok_r(text, ";", &kept); one && known < RULES; one = strtok_r(NULL, ";", &kept)) {
        struct rule *rule = &rules[known];
        char error[16] = {0};
        long skip = 0;
        if (sscanf(one, "%11[^:]:%15[^:]:%ld:%ld:%255s", rule->call, error, &skip, &rule->count, rule->path) < 4)
            abort();
        rule->error = error_of(error);
        rule->skip = skip;
        known++;
    }
    here = known;
}

static int ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && !strcmp(text + length - tail, end);
}

static int is_source(const char *path) {
    return ends_with(path, ".py") || strstr(path, ".pyc") || ends_with(path, ".so") || strstr(path, "/__pycache__")
        || !strncmp(path, "/proc/self", 10);
}

/* Returns the error that this call is to fail with; 0 for none. `path` is NULL where there is no file. */
static int fault(const char *call, const char *path) {
    if (!here || !atomic_load(&armed)) return 0;
    for (int i = 0; i < known; i++) {
        struct rule *rule = &rules[i];
        long before;
        if (strcmp(rule->call, call)) continue;
        if (rule->path[0] ? path == NULL || !strstr(path, rule->path) : path != NULL && is_source(path)) continue;
        before = atomic_fetch_sub(&rule->skip, 1);
        if (before > 0) continue;
        if (rule->count && -before >= rule->count) continue;
        return rule->error;
    }
    return 0;
}

static int fault_of(const char *call, int fd) {
    char link[32], path[512] = {0};
    if (!here || !atomic_load(&armed)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, path, sizeof path - 1) < 0) path[0] = '\0';
    return fault(call, path);
}

#define FAIL(error, result) do { int found_ = (error); if (found_) { errno = found_; return result; } } while (0)

int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
    REAL(pthread_sigmask);
    int result = real(how, set, old);
    if (how == SIG_BLOCK && set != NULL && sigismember(set, SIGTERM) == 1) atomic_store(&armed, 1);
    return result;
}

/* `parameters`: those of the call; behind them, those that stand before its flags. */
#define OPEN(name, parameters, ...)                       \
    int name parameters {                                 \
        REAL(name);                                       \
        va_list rest;                                     \
        mode_t mode = 0;                                  \
        if (flags & (O_CREAT | __O_TMPFILE)) {            \
            va_start(rest, flags);                        \
            mode = va_arg(rest, mode_t);                  \
            va_end(rest);                                 \
        }                                                 \
        FAIL(fault("open", path), -1);                    \
        return real(__VA_ARGS__, flags, mode);            \
    }
OPEN(open, (const char *path, int flags, ...), path)
OPEN(open64, (const char *path, int flags, ...), path)
OPEN(openat, (int folder, const char *path, int flags, ...), folder, path)
OPEN(openat64, (int folder, const char *path, int flags, ...), folder, path)

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    int error = fault_of("write", fd);
    if (error == SHORT) return real(fd, data, size > 1 ? 1 : size);
    FAIL(error, -1);
    return real(fd, data, size);
}

ssize_t read(int fd, void *data, size_t size) {
    REAL(read);
    int error = fault_of("read", fd);
    if (error == SHORT) return real(fd, data, size > 1 ? 1 : size);
    FAIL(error, -1);
    return real(fd, data, size);
}

pid_t fork(void) {
    REAL(fork);
    FAIL(fault("fork", NULL), -1);
    return real();
}

#define SPAWN(name)                                                                               \
    int name(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,             \
             const posix_spawnattr_t *attributes, char *const words[], char *const variables[]) { \
        REAL(name);                                                                               \
        int error = fault("spawn", NULL);                                                         \
        return error ? error : real(pid, path, actions, attributes, words, variables);            \
    }
SPAWN(posix_spawn)
SPAWN(posix_spawnp)

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *), void *with) {
    REAL(pthread_create);
    int error = fault("thread", NULL);
    return error ? error : real(thread, attributes, work, with);
}

int socket(int family, int type, int protocol) {
    REAL(socket);
    FAIL(fault("socket", NULL), -1);
    return real(family, type, protocol);
}

int pipe(int ends[2]) {
    REAL(pipe);
    FAIL(fault("pipe", NULL), -1);
    return real(ends);
}

int pipe2(int ends[2], int flags) {
    REAL(pipe2);
    FAIL(fault("pipe", NULL), -1);
    return real(ends, flags);
}

int poll(struct pollfd *files, nfds_t count, int milliseconds) {
    REAL(poll);
    FAIL(fault("poll", NULL), -1);
    return real(files, count, milliseconds);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    FAIL(fault("rename", to), -1);
    return real(from, to);
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    FAIL(fault("mkdir", path), -1);
    return real(path, mode);
}

int ftruncate64(int fd, off64_t size) {
    REAL(ftruncate64);
    FAIL(fault_of("truncate", fd), -1);
    return real(fd, size);
}

int fsync(int fd) {
    REAL(fsync);
    FAIL(fault_of("sync", fd), -1);
    return real(fd);
}

int chdir(const char *path) {
    REAL(chdir);
    FAIL(fault("chdir", path), -1);
    return real(path);
}

pid_t waitpid(pid_t pid, int *status, int options) {
    REAL(waitpid);
    FAIL(fault("wait", NULL), -1);
    return real(pid, status, options);
}

int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *limit) {
    REAL(sigtimedwait);
    FAIL(fault("signal", NULL), -1);
    return real(set, info, limit);
}

int sigwaitinfo(const sigset_t *set, siginfo_t *info) {
    REAL(sigwaitinfo);
    FAIL(fault("signal", NULL), -1);
    return real(set, info);
}

static time_t jumped(time_t seconds) {
    static const long hours[] = {0, 5, -3, 100000, -400000, 1, -1, 24 * 365 * 80};
    static atomic_uint turn;
    return seconds + hours[atomic_fetch_add(&turn, 1) % (sizeof hours / sizeof *hours)] * 3600;
}

int clock_gettime(clockid_t which, struct timespec *now) {
    REAL(clock_gettime);
    int result = real(which, now);
    if (which == CLOCK_REALTIME && fault("clock", NULL) == JUMP) now->tv_sec = jumped(now->tv_sec);
    return result;
}

time_t time(time_t *to) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to != NULL) *to = now.tv_sec;
    return now.tv_sec;
}

extern void *__libc_malloc(size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_calloc(size_t, size_t);

void *malloc(size_t size) {
    FAIL(fault("memory", NULL), NULL);
    return __libc_malloc(size);
}

void *realloc(void *old, size_t size) {
    FAIL(fault("memory", NULL), NULL);
    return __libc_realloc(old, size);
}

void *calloc(size_t count, size_t size) {
    FAIL(fault("memory", NULL), NULL);
    return __libc_calloc(count, size);
}
