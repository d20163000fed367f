#pragma once
// What all parts of the hostile FMU share. Linux only.

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

enum { OK, WARNING, DISCARD, ERROR, FATAL, PENDING };  // the same numbers in FMI 2 and 3; "pending" is FMI 2 only
enum { MEGABYTE = 1 << 20 };

// What a saved state holds.
typedef struct {
    double u, tau;  // input [1]; time constant [s]
    double y, n;    // outputs: lag [1]; doStep calls so far
    double x0;      // start of y [1]
    double time;    // [s]
    int at;         // step that misbehaves, from 1
    double delay;   // of "late" [s]
} Values;

typedef struct {
    Values v;
    char behaviour[64], moment[64];  // empty: behaves
    char name[64];                   // of the instance
    char text[32];                   // output: "step 3"
    char* oversized;                 // what "long_string" returns instead
    bool done;                       // has misbehaved
    void* environment;               // of the importer
    void (*logger)(void);            // of the importer; its type is the FMI version's
} Hostile;

// To the importer's logger, as the FMI version has it. Any pointer may be null.
static void say(void (*logger)(void), void* environment, const char* name, int status, const char* category,
                const char* text);
