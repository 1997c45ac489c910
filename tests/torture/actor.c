/* The application in the torture runs: it does what TORTURE_PART says, word by word, in no time at all.

   Every line of TORTURE_TRACE is one write: "ready", "got N", "end exit N", "end signal N". What each word of the
   part does is in README.md. C, because thousands of runs are to cost thousands of execs and no interpreter. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int trace = -1;
static const char *obeys = "die";

static int mute;

static void say(const char *what, int number) {
    /* Without stdio: it is called in signal handlers. */
    char line[64], digits[12];
    size_t length = strlen(what), i = sizeof digits;
    if (mute) return;
    memcpy(line, what, length);
    if (number >= 0) {
        line[length++] = ' ';
        do digits[--i] = (char)('0' + number % 10);
        while (number /= 10);
        memcpy(line + length, digits + i, sizeof digits - i);
        length += sizeof digits - i;
    }
    line[length++] = '\n';
    if (write(trace, line, length) < 0) return;
}

static void end_by_exit(int code) {
    say("end exit", code);
    _exit(code);
}

static void end_by_signal(int number) {
    sigset_t all;
    say("end signal", number);
    signal(number, SIG_DFL);
    sigfillset(&all);
    sigprocmask(SIG_UNBLOCK, &all, NULL);
    kill(getpid(), number);
    for (;;) pause();
}

static void rest(long milliseconds) {
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) < 0 && errno == EINTR) continue;
}

static void heard(int number) {
    int kept = errno;
    say("got", number);
    if (number == SIGTERM || number == SIGINT) {
        if (!strcmp(obeys, "die")) end_by_signal(number);
        if (!strncmp(obeys, "exit", 4)) end_by_exit(atoi(obeys + 4));
        if (!strncmp(obeys, "crash", 5)) end_by_signal(atoi(obeys + 5));
        if (!strncmp(obeys, "slow", 4)) {
            rest(atoi(obeys + 4));
            end_by_exit(143);
        }
    }
    errno = kept;
}

static void listen_to_all(void) {
    struct sigaction action = {.sa_handler = heard, .sa_flags = SA_RESTART};
    sigset_t none;
    sigfillset(&action.sa_mask);
    for (int number = 1; number <= SIGRTMAX; number++)
        if (number != SIGCHLD) sigaction(number, &action, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    say("ready", -1);
}

static void *wait_for_ever(void *unused) {
    for (;;) pause();
    return unused;
}

static void daemon_of(const char *kind) {
    /* A pipe, so that the part goes on only when the daemon has become what it is to be. */
    int ends[2];
    char byte;
    if (pipe(ends) < 0) return;
    if (fork() == 0) {
        if (strstr(kind, "session")) setsid();
        if (strstr(kind, "double") && fork() != 0) _exit(0);
        for (int number = 1; number <= SIGRTMAX; number++) signal(number, SIG_DFL);
        if (strstr(kind, "stubborn"))
            for (int number = 1; number <= SIGRTMAX; number++) signal(number, SIG_IGN);
        if (write(ends[1], "!", 1) < 0) _exit(1);
        close(ends[0]);
        close(ends[1]);
        close(trace);
        wait_for_ever(NULL);
    }
    close(ends[1]);
    while (read(ends[0], &byte, 1) < 0 && errno == EINTR) continue;
    close(ends[0]);
}

static void orphans(int count) {
    while (count-- > 0) {
        pid_t child = fork();
        if (child == 0) {
            mute = 1;
            if (fork() == 0 && count % 3 == 0) rest(count % 7);
            _exit(0);
        }
        if (child > 0 && count % 5) waitpid(child, NULL, 0);
    }
}

static void be_traced(void) {
    pid_t traced = getpid();
    if (fork() == 0) {
        mute = 1;
        signal(SIGTERM, SIG_IGN);
        if (ptrace(PTRACE_SEIZE, traced, 0, 0) == 0) ptrace(PTRACE_INTERRUPT, traced, 0, 0);
        /* Never waits: what it traces stays stopped, and stays a zombie when it is killed. */
        wait_for_ever(NULL);
    }
    rest(20);
}

static void take_memory(void) {
    for (;;) {
        char *taken = malloc(1 << 20);
        if (taken == NULL) rest(10);
        else memset(taken, 'x', 1 << 20);
    }
}

static void fill_output(void) {
    char bytes[4096];
    memset(bytes, 'x', sizeof bytes);
    bytes[sizeof bytes - 1] = '\n';
    for (int i = 0; i < 256; i++)
        if (write(1, bytes, sizeof bytes) < 0 && errno != EINTR) return;
}

static void play(char *word) {
    char *value = strchr(word, '=');
    int number = 0;
    if (value != NULL) {
        *value++ = '\0';
        number = atoi(value);
    }
    if (!strcmp(word, "listen")) listen_to_all();
    else if (!strcmp(word, "obeys")) obeys = value;
    else if (!strcmp(word, "sleep")) rest(number);
    else if (!strcmp(word, "exit")) end_by_exit(number);
    else if (!strcmp(word, "crash")) end_by_signal(number);
    else if (!strcmp(word, "orphans")) orphans(number);
    else if (!strcmp(word, "daemon")) daemon_of(value);
    else if (!strcmp(word, "close")) { close(0); close(1); close(2); }
    else if (!strcmp(word, "fill")) fill_output();
    else if (!strcmp(word, "stop")) kill(getpid(), SIGSTOP);
    else if (!strcmp(word, "group")) setpgid(0, getpgid(getppid()));
    else if (!strcmp(word, "traced")) be_traced();
    else if (!strcmp(word, "memory")) take_memory();
    else if (!strcmp(word, "thread")) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, wait_for_ever, NULL) == 0) pthread_exit(NULL);
    }
}

int main(void) {
    const char *file = getenv("TORTURE_TRACE"), *part = getenv("TORTURE_PART");
    char *words = strdup(part ? part : "listen");
    trace = open(file ? file : "/dev/null", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    say("begin", -1);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) play(word);
    wait_for_ever(NULL);
}
