/* Preloaded: the nth call of one kind on a regular file fails, and all after it, or it alone; or it is done and fails. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int armed, left, error_number, lasting, done_first, hits;

/* kind: 1 write, 2 sync, 4 unlink or rename, 8 truncate, 16 create; their sum is any of these. */
void refuse(int kinds, int nth, int error, int all_after, int done) {
    armed = kinds, left = nth, error_number = error, lasting = all_after, done_first = done, hits = 0;
}

int refused(void) { return hits; }

static int due(int kind) {
    if (!(armed & kind) || left > 1 && left--) return 0;
    if (left == 0 && !lasting) return 0;
    left = lasting ? 1 : 0;
    hits++;
    return 1;
}

static int regular(int fd) {
    struct stat found;
    return fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
}

#define REAL(name, type) static type (*real); if (!real) real = (type (*))dlsym(RTLD_NEXT, name)
#define GUARDED(kind, is, call) \
    if ((armed & kind) && (is) && due(kind)) { if (done_first) (void)(call); errno = error_number; return -1; } \
    return call

#define WRITER(name, parameters, arguments) \
    ssize_t name parameters { \
        static ssize_t (*real) parameters; \
        if (!real) real = (ssize_t (*) parameters)dlsym(RTLD_NEXT, #name); \
        GUARDED(1, regular(fd), real arguments); \
    }
WRITER(write, (int fd, const void *data, size_t size), (fd, data, size))
WRITER(pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
WRITER(pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))

#define CALL(kind, name, is, parameters, arguments) \
    int name parameters { \
        static int (*real) parameters; \
        if (!real) real = (int (*) parameters)dlsym(RTLD_NEXT, #name); \
        GUARDED(kind, is, real arguments); \
    }
CALL(2, fsync, 1, (int fd), (fd))
CALL(2, fdatasync, 1, (int fd), (fd))
CALL(4, unlink, 1, (const char *path), (path))
CALL(4, unlinkat, 1, (int fd, const char *path, int flags), (fd, path, flags))
CALL(4, rename, 1, (const char *from, const char *to), (from, to))
CALL(4, renameat, 1, (int a, const char *from, int b, const char *to), (a, from, b, to))
CALL(8, ftruncate, 1, (int fd, off_t size), (fd, size))
CALL(8, ftruncate64, 1, (int fd, off64_t size), (fd, size))

#define OPENER(name) \
    int name(const char *path, int flags, ...) { \
        static int (*real)(const char *, int, ...); \
        mode_t mode = 0; \
        if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
        if (flags & O_CREAT) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
        GUARDED(16, (flags & O_CREAT) && access(path, F_OK) != 0, real(path, flags, mode)); \
    }
OPENER(open)
OPENER(open64)
