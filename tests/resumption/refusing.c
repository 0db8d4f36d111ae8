/* Make system calls on chosen files fail as a full, foreign or failing disk does: LD_PRELOAD this.

   REFUSE_PATH   part of the names of the files concerned
   REFUSE_LOCK   error number of flock (on any file, if REFUSE_PATH is not set)
   REFUSE_OPEN   error number of open
   REFUSE_READ   error number of read and pread
   REFUSE_AFTER  how many reads succeed before */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int number(const char *name) {
    const char *text = getenv(name);
    return text ? atoi(text) : 0;
}

static int meant(const char *path) {
    const char *part = getenv("REFUSE_PATH");
    return !part || (path && strstr(path, part));
}

static int meant_descriptor(int descriptor) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return meant(path);
}

static int refused(const char *call, int concerned) {
    int error = number(call);
    if (!error || !concerned) return 0;
    errno = error;
    return 1;
}

static int refused_read(int descriptor) {
    static int reads;
    if (!number("REFUSE_READ") || !meant_descriptor(descriptor)) return 0;
    return ++reads > number("REFUSE_AFTER") && refused("REFUSE_READ", 1);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int flock(int descriptor, int operation);
int flock(int descriptor, int operation) {
    return refused("REFUSE_LOCK", meant_descriptor(descriptor)) ? -1 : NEXT(flock)(descriptor, operation);
}

#define OPEN(name)                                                                        \
    int name(const char *path, int flags, ...) {                                          \
        va_list rest;                                                                     \
        va_start(rest, flags);                                                            \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;           \
        va_end(rest);                                                                     \
        return refused("REFUSE_OPEN", meant(path)) ? -1 : NEXT(name)(path, flags, mode);  \
    }
OPEN(open)
OPEN(open64)

ssize_t read(int descriptor, void *to, size_t count) {
    return refused_read(descriptor) ? -1 : NEXT(read)(descriptor, to, count);
}

ssize_t pread(int descriptor, void *to, size_t count, off_t offset) {
    return refused_read(descriptor) ? -1 : NEXT(pread)(descriptor, to, count, offset);
}

ssize_t pread64(int descriptor, void *to, size_t count, off64_t offset) {
    return refused_read(descriptor) ? -1 : NEXT(pread64)(descriptor, to, count, offset);
}
