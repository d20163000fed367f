#pragma once
// Behaviours that end the process, or hold it up.

#include "hostile.h"

// ---- ends the process -----------------------------------------------------------------------------------------------

static int segfault(Hostile* h) {
    (void)h;
    int* volatile nowhere = (int*)8;
    *nowhere = 1;
    return OK;
}

static int bus_error(Hostile* h) {
    (void)h;
    const int file = memfd_create("empty", 0);
    volatile char* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    page[0] = 1;  // beyond the end of the file
    return OK;
}

static int illegal_instruction(Hostile* h) {
    (void)h;
    __builtin_trap();
}

static int divide_by_zero(Hostile* h) {
    (void)h;
    volatile int one = 1, zero = 0, result;
    result = one / zero;
    return result ? OK : ERROR;
}

static int descend(volatile unsigned long* depth) {
    volatile char room[4096];
    room[0] = (char)++*depth;
    return *depth ? descend(depth) + room[0] : 0;
}

static int stack_overflow(Hostile* h) {
    (void)h;
    volatile unsigned long depth = 0;
    return descend(&depth);
}

static int call_exit(Hostile* h) {
    (void)h;
    exit(0);
}

static int call__exit(Hostile* h) {
    (void)h;
    _exit(0);
}

static int call_quick_exit(Hostile* h) {
    (void)h;
    quick_exit(0);
}

static int call_abort(Hostile* h) {
    (void)h;
    abort();
}

static int thread_exit(Hostile* h) {
    (void)h;
    pthread_exit(NULL);
}

static int kill_self(Hostile* h) {
    (void)h;
    kill(getpid(), SIGKILL);
    return OK;
}

static int stop_self(Hostile* h) {
    (void)h;
    kill(getpid(), SIGSTOP);
    return OK;
}

static int kill_parent(Hostile* h) {
    (void)h;
    if (getppid() > 1) kill(getppid(), SIGKILL);
    return OK;
}

// By the number of any of its threads, which is as good as its own.
static int kill_parent_thread(Hostile* h) {
    (void)h;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)getppid());
    DIR* tasks = getppid() > 1 ? opendir(path) : NULL;
    for (struct dirent* task = tasks ? readdir(tasks) : NULL; task; task = readdir(tasks))
        if (atoi(task->d_name) > 1 && atoi(task->d_name) != getppid()) kill(atoi(task->d_name), SIGKILL);
    if (tasks) closedir(tasks);
    return OK;
}

// The system ends a process that has used up its time.
static int kill_parent_limit(Hostile* h) {
    (void)h;
    const struct rlimit none = {0, 0};
    if (getppid() > 1) prlimit(getppid(), RLIMIT_CPU, &none, NULL);
    return OK;
}

// The system sends a signal to the owner of a pipe that has something to read.
static int kill_parent_owner(Hostile* h) {
    (void)h;
    int ends[2];
    if (getppid() <= 1 || pipe(ends)) return OK;
    fcntl(ends[0], F_SETOWN, getppid());
    fcntl(ends[0], F_SETSIG, SIGKILL);
    fcntl(ends[0], F_SETFL, O_ASYNC);
    return write(ends[1], "x", 1) == 1 ? OK : ERROR;
}

static int kill_group(Hostile* h) {
    (void)h;
    kill(0, SIGKILL);
    return OK;
}

static void end_with_success(void) { _exit(0); }

// Fails, but has the process say in the end that all went well.
static int exit_handler(Hostile* h) {
    (void)h;
    atexit(end_with_success);
    return ERROR;
}

static int alarm_clock(Hostile* h) {
    (void)h;
    const struct itimerval soon = {.it_value = {.tv_usec = 1000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    usleep(20000);
    return OK;
}

// ---- takes its time -------------------------------------------------------------------------------------------------

static int hang(Hostile* h) {
    (void)h;
    for (;;) pause();
    return OK;
}

static int busy_loop(Hostile* h) {
    (void)h;
    for (volatile unsigned long i = 0;; ++i) {
    }
    return OK;
}

static int late(Hostile* h) {
    const double delay = h ? h->v.delay : 1.0;
    struct timespec left = {(time_t)delay, (long)(1e9 * (delay - floor(delay)))};
    while (nanosleep(&left, &left) && errno == EINTR) {
    }
    return OK;
}

// Lives on without its parent, and lets no signal but the one that cannot be caught end it.
static int cling(Hostile* h) {
    prctl(PR_SET_PDEATHSIG, 0);
    setsid();
    for (int s = 1; s < NSIG; ++s) signal(s, SIG_IGN);
    return hang(h);
}
