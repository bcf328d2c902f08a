/* Preloaded into the house's processes: slow syncs, failing calls and a wrong clock, as a file that is mapped says. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* kinds: 1 write, 2 sync, 4 rename and unlink; every: one of so many fails with EIO, 0 none. */
static struct { double sync_s; int64_t clock_s; int32_t kinds, every; } quiet, *now = &quiet;
static unsigned seen;

__attribute__((constructor)) static void map_file(void) {
    const char *path = getenv("CAMPAIGN_TROUBLE");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *found = mmap(NULL, sizeof quiet, PROT_READ, MAP_SHARED, fd, 0);
    if (found != MAP_FAILED) now = found;
    close(fd);
}

static int fails(int kind) {
    if (!(now->kinds & kind) || now->every <= 0 || ++seen % (unsigned)now->every) return 0;
    errno = EIO;
    return 1;
}

static int regular(int fd) {
    struct stat found;
    return now->every > 0 && fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
}

#define CALL(type, name, parameters, arguments, when) \
    type name parameters { \
        static type (*real) parameters; \
        if (!real) real = (type (*) parameters)dlsym(RTLD_NEXT, #name); \
        if (when) return -1; \
        return real arguments; \
    }

static int stuck(void) {
    struct timespec left = {(time_t)now->sync_s, (long)((now->sync_s - (time_t)now->sync_s) * 1e9)};
    if (now->sync_s > 0) nanosleep(&left, NULL);
    return fails(2);
}

CALL(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size), regular(fd) && fails(1))
CALL(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), regular(fd) && fails(1))
CALL(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at), regular(fd) && fails(1))
CALL(int, fsync, (int fd), (fd), stuck())
CALL(int, fdatasync, (int fd), (fd), stuck())
CALL(int, rename, (const char *from, const char *to), (from, to), fails(4))
CALL(int, unlink, (const char *path), (path), fails(4))

int clock_gettime(clockid_t id, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(id, time);
    if (code == 0 && id == CLOCK_REALTIME) time->tv_sec += now->clock_s;
    return code;
}
