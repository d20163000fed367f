#pragma once
// Behaviours that leave the process changed, that stay, or that take memory.

#include "ends.h"

// ---- leaves the process changed -------------------------------------------------------------------------------------

static int flush_to_zero(Hostile* h) {
    (void)h;
#ifdef __SSE__
    _mm_setcsr(_mm_getcsr() | 0x8040);  // results and operands
#endif
    return OK;
}

static int round_up(Hostile* h) { return (void)h, fesetround(FE_UPWARD), OK; }
static int traps(Hostile* h) { return (void)h, feenableexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW), OK; }
static int change_folder(Hostile* h) { return (void)h, chdir("/") == 0 ? OK : ERROR; }
static int change_mask(Hostile* h) { return (void)h, umask(0777), OK; }
static int clear_environment(Hostile* h) { return (void)h, clearenv(), OK; }

// The first that exists: one with a decimal comma, else any that Python does not start with.
static int change_locale(Hostile* h) {
    (void)h;
    static const char* const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8", "C.UTF-8", "C"};
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i)
        if (setlocale(LC_ALL, names[i])) break;
    return OK;
}

static int close_files(Hostile* h) {
    (void)h;
    for (int file = 0; file < 1024; ++file) close(file);
    return OK;
}

// Rubbish into whatever is open, standard input, output and error apart.
static int write_files(Hostile* h) {
    (void)h;
    char rubbish[256];
    memset(rubbish, 0xa5, sizeof rubbish);
    for (int file = 3; file < 1024; ++file) {
        const int flags = fcntl(file, F_GETFL);
        if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) continue;
        fcntl(file, F_SETFL, flags | O_NONBLOCK);
        if (write(file, rubbish, sizeof rubbish) < 0) continue;
    }
    return OK;
}

// Cuts whatever is open to nothing.
static int truncate_files(Hostile* h) {
    (void)h;
    for (int file = 3; file < 1024; ++file)
        if (ftruncate(file, 0) != 0) continue;
    return OK;
}

static int print(Hostile* h) {
    (void)h;
    char line[128];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 10 * MEGABYTE / (int)sizeof line; ++i) fwrite(line, 1, sizeof line, stdout);
    fflush(stdout);
    return OK;
}

// Leaves a file in the working folder and in the one for temporary files.
static int litter(Hostile* h) {
    (void)h;
    const char* folders[] = {".", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp"};
    for (int i = 0; i < 2; ++i) {
        char path[512];
        snprintf(path, sizeof path, "%s/hostile-was-here", folders[i]);
        FILE* file = fopen(path, "w");
        if (!file) continue;
        fputs("litter\n", file);
        fclose(file);
    }
    return OK;
}

// 64 MB into the folder for temporary files; an error where it is not allowed to.
static int big_file(Hostile* h) {
    (void)h;
    char path[512];
    snprintf(path, sizeof path, "%s/hostile-was-here", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    FILE* file = fopen(path, "w");
    if (!file) return ERROR;
    char* part = calloc(1, MEGABYTE);
    bool good = part;
    for (int i = 0; good && i < 64; ++i) good = fwrite(part, 1, MEGABYTE, file) == MEGABYTE;
    free(part);
    fclose(file);
    return good ? OK : ERROR;
}

static int limits(Hostile* h) {
    (void)h;
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_NOFILE, &none);
    setrlimit(RLIMIT_FSIZE, &none);
    return OK;
}

static void empty_handler(int number) { (void)number; }

static int handlers(Hostile* h) {
    (void)h;
    for (int s = 1; s < NSIG; ++s) signal(s, s == SIGCHLD || s == SIGPIPE ? SIG_IGN : empty_handler);
    return OK;
}

static int block_signals(Hostile* h) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    return (void)h, OK;
}

static int open_socket(Hostile* h) {
    (void)h;
    const int socket_ = socket(AF_INET, SOCK_STREAM, 0);
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (socket_ < 0 || bind(socket_, (const struct sockaddr*)&any, sizeof any) || listen(socket_, 1)) return ERROR;
    return OK;
}

// ---- does not go away -----------------------------------------------------------------------------------------------

static void* wait_for_ever(void* unused) {
    (void)unused;
    for (;;) pause();
    return NULL;
}

static int thread(Hostile* h) {
    (void)h;
    pthread_t one;
    if (!pthread_create(&one, NULL, wait_for_ever, NULL)) pthread_detach(one);
    return OK;
}

static int child(Hostile* h) {
    const pid_t made = fork();
    if (made == 0) hang(h);
    return made < 0 ? ERROR : OK;
}

// A child, and then nothing more.
static int child_hang(Hostile* h) { return child(h) == OK ? hang(h) : ERROR; }

// A child in a session of its own, whose parent is gone and which no gentle signal ends.
static int daemon_child(Hostile* h) {
    const pid_t made = fork();
    if (made == 0) {
        if (fork()) _exit(0);
        cling(h);
    }
    return made < 0 ? ERROR : OK;
}

// A child of its parent: of a worker that is the host, which knows nothing of it.
static int sibling(Hostile* h) {
    const long made = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
    if (made == 0) hang(h);
    return made < 0 ? ERROR : OK;
}

// As many children as it gets, up to 40.
static int children(Hostile* h) {
    for (int i = 0; i < 40; ++i) {
        const pid_t made = fork();
        if (made == 0) hang(h);
        if (made < 0) return ERROR;
    }
    return OK;
}

// ---- takes memory ---------------------------------------------------------------------------------------------------

static int leak(Hostile* h) {
    (void)h;
    char* volatile part = malloc(MEGABYTE);
    if (part) memset(part, 1, MEGABYTE);
    return part ? OK : ERROR;
}

static int leak_fast(Hostile* h) {
    for (int i = 0; i < 64; ++i)
        if (leak(h) != OK) return ERROR;
    return OK;
}

// Until it gets no more, which it does not expect.
static int allocate(Hostile* h) {
    (void)h;
    for (;;) {
        char* volatile part = malloc(16 * MEGABYTE);
        memset(part, 1, 16 * MEGABYTE);
    }
    return OK;
}

// Turns round the bytes that it shares with other processes: of each piece of memory at most the first `most`.
static int scribble_over(size_t most) {
    FILE* maps = fopen("/proc/self/maps", "r");
    if (!maps) return OK;
    struct {
        unsigned char *from, *to;
    } found[64];
    size_t count = 0;
    char line[1024];
    while (count < 64 && fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        char may[5];
        if (sscanf(line, "%lx-%lx %4s", &from, &to, may) == 3 && may[1] == 'w' && may[3] == 's') {
            found[count].from = (unsigned char*)from;
            found[count++].to = (unsigned char*)to;
        }
    }
    fclose(maps);
    for (size_t i = 0; i < count; ++i)
        for (volatile unsigned char* b = found[i].from; b != found[i].to && b < found[i].from + most; ++b) *b ^= 0xff;
    return OK;
}

static int scribble(Hostile* h) { return (void)h, scribble_over(SIZE_MAX / 2); }
static int scribble_start(Hostile* h) { return (void)h, scribble_over(64); }

static void* scribble_for_ever(void* unused) {
    for (;;) {
        scribble(NULL);
        usleep(100);
    }
    return unused;
}

static int scribble_thread(Hostile* h) {
    (void)h;
    pthread_t one;
    if (!pthread_create(&one, NULL, scribble_for_ever, NULL)) pthread_detach(one);
    return OK;
}
