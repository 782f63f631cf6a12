/* Preloaded into every process of the engine VM: absolute paths lie below LAB_ROOT, the account is root, and the VM's
 * PostgreSQL answers on localhost:5432. So shells, coreutils, tar and PostgreSQL's clients work there as they are, with
 * their own messages, and need no rights that the lab does not have. Programs of the machine (/usr, /bin, /lib ...) and
 * the lab's own folder LAB_STATE stay where they are. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))
#define ROOM (PATH_MAX * 2)
#define PROGRAM "/usr/bin/engine-backup"

static char *root, *state, *program, *postgres;

static char *kept(const char *name)
{
    const char *value = getenv(name);
    return value == NULL ? NULL : strdup(value);
}

__attribute__((constructor)) static void wake(void)
{
    root = kept("LAB_ROOT");
    state = kept("LAB_STATE");
    program = kept("LAB_ENGINE_BACKUP");
    postgres = kept("LAB_POSTGRES");
}

/* below a folder: name itself or name/... */
static int below(const char *path, const char *name)
{
    size_t size = strlen(name);
    return strncmp(path, name, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

static int of_the_machine(const char *path)
{
    static const char *places[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/dev",
                                   "/sys", "/run", "/var/run", "/opt", NULL};
    static const char *own[] = {"/etc/ovirt", "/etc/pki/ovirt", "/etc/httpd", "/etc/yum", "/etc/dnf", "/etc/firewalld",
                                "/etc/grafana", "/etc/resolv.conf", "/etc/os-release", "/etc/hostname", "/etc/machine-id",
                                "/etc/oracle-release", NULL};
    for (int i = 0; places[i] != NULL; i++)
        if (below(path, places[i]))
            return !below(path, "/usr/share/ovirt-engine") && !below(path, "/sys/block");
    if (!below(path, "/etc") || strcmp(path, "/etc") == 0 || strcmp(path, "/etc/") == 0 || strcmp(path, "/etc/pki") == 0)
        return 0;
    for (int i = 0; own[i] != NULL; i++)
        if (strncmp(path, own[i], strlen(own[i])) == 0)
            return 0;
    return 1;
}

/* where a path of the VM really lies */
static const char *place(const char *path, char *room)
{
    if (path == NULL || path[0] != '/' || root == NULL || state == NULL || below(path, state))
        return path;
    while (path[1] == '/')
        path++;
    if (program != NULL && strcmp(path, PROGRAM) == 0)
        return program;
    if (of_the_machine(path) || snprintf(room, ROOM, "%s%s", root, path) >= ROOM)
        return path;
    return room;
}

/* the same path as the VM's own processes know it */
static char *seen(char *path)
{
    if (path != NULL && root != NULL && below(path, root)) {
        memmove(path, path + strlen(root), strlen(path + strlen(root)) + 1);
        if (path[0] == '\0')
            strcpy(path, "/");
    }
    return path;
}

#define NEXT(name) \
    static __typeof__(&name) next; \
    if (next == NULL) \
        next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define NEXT_AS(name, type) \
    static __typeof__(type) *next; \
    if (next == NULL) \
        next = (__typeof__(type) *)dlsym(RTLD_NEXT, #name)
#define MODE \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    char room[ROOM]

#define OPEN(name) \
    SHOWN int name(const char *path, int flags, ...) { NEXT(name); MODE; return next(place(path, room), flags, mode); }
#define OPENAT(name) \
    SHOWN int name(int at, const char *path, int flags, ...) \
    { NEXT(name); MODE; return next(at, place(path, room), flags, mode); }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

/* fn(path, b), fn(path, b, c), fn(at, path, c ...) */
#define P1(type, name) SHOWN type name(const char *path) \
    { NEXT(name); char room[ROOM]; return next(place(path, room)); }
#define P2(type, name, B) SHOWN type name(const char *path, B b) \
    { NEXT(name); char room[ROOM]; return next(place(path, room), b); }
#define P3(type, name, B, C) SHOWN type name(const char *path, B b, C c) \
    { NEXT(name); char room[ROOM]; return next(place(path, room), b, c); }
#define A2(type, name, C) SHOWN type name(int at, const char *path, C c) \
    { NEXT(name); char room[ROOM]; return next(at, place(path, room), c); }
#define A3(type, name, C, D) SHOWN type name(int at, const char *path, C c, D d) \
    { NEXT(name); char room[ROOM]; return next(at, place(path, room), c, d); }
#define A4(type, name, C, D, E) SHOWN type name(int at, const char *path, C c, D d, E e) \
    { NEXT(name); char room[ROOM]; return next(at, place(path, room), c, d, e); }
typedef int Number;

P2(int, creat, mode_t)
P2(int, creat64, mode_t)
P2(FILE *, fopen, const char *)
P2(FILE *, fopen64, const char *)
P3(FILE *, freopen, const char *, FILE *)
P1(DIR *, opendir)
P2(int, stat, struct stat *)
P2(int, lstat, struct stat *)
P2(int, stat64, struct stat64 *)
P2(int, lstat64, struct stat64 *)
A3(int, fstatat, struct stat *, Number)
A3(int, fstatat64, struct stat64 *, Number)
A4(int, statx, Number, unsigned, struct statx *)
P2(int, statfs, struct statfs *)
P2(int, statfs64, struct statfs64 *)
P2(int, statvfs, struct statvfs *)
P2(int, statvfs64, struct statvfs64 *)
P2(int, access, Number)
P2(int, euidaccess, Number)
P2(int, eaccess, Number)
A3(int, faccessat, Number, Number)
P2(int, mkdir, mode_t)
A2(int, mkdirat, mode_t)
P1(int, rmdir)
P1(int, unlink)
A2(int, unlinkat, Number)
P2(int, chmod, mode_t)
A3(int, fchmodat, mode_t, Number)
P3(int, chown, uid_t, gid_t)
P3(int, lchown, uid_t, gid_t)
A4(int, fchownat, uid_t, gid_t, Number)
P2(int, truncate, off_t)
P2(int, truncate64, off64_t)
P2(int, mkfifo, mode_t)
P3(ssize_t, readlink, char *, size_t)
A3(ssize_t, readlinkat, char *, size_t)
P1(int, chdir)
SHOWN int utimensat(int at, const char *path, const struct timespec times[2], int flags)
{
    NEXT(utimensat);
    char room[ROOM];
    return next(at, place(path, room), times, flags);
}

SHOWN ssize_t getxattr(const char *path, const char *name, void *value, size_t size)
{
    NEXT(getxattr);
    char room[ROOM];
    return next(place(path, room), name, value, size);
}
SHOWN ssize_t lgetxattr(const char *path, const char *name, void *value, size_t size)
{
    NEXT(lgetxattr);
    char room[ROOM];
    return next(place(path, room), name, value, size);
}
P3(ssize_t, listxattr, char *, size_t)
P3(ssize_t, llistxattr, char *, size_t)

/* programs that were built for a glibc before 2.33 */
#define XSTAT(name, B) SHOWN int name(int version, const char *path, B b) \
    { NEXT_AS(name, int(int, const char *, B)); char room[ROOM]; return next(version, place(path, room), b); }
XSTAT(__xstat, struct stat *)
XSTAT(__lxstat, struct stat *)
XSTAT(__xstat64, struct stat64 *)
XSTAT(__lxstat64, struct stat64 *)
#define XSTATAT(name, B) SHOWN int name(int version, int at, const char *path, B b, int flags) \
    { NEXT_AS(name, int(int, int, const char *, B, int)); char room[ROOM]; \
      return next(version, at, place(path, room), b, flags); }
XSTATAT(__fxstatat, struct stat *)
XSTATAT(__fxstatat64, struct stat64 *)

/* programs that were built with checks */
#define CHECKED(name) SHOWN int name(const char *path, int flags) \
    { NEXT_AS(name, int(const char *, int)); char room[ROOM]; return next(place(path, room), flags); }
CHECKED(__open_2)
CHECKED(__open64_2)
#define CHECKED_AT(name) SHOWN int name(int at, const char *path, int flags) \
    { NEXT_AS(name, int(int, const char *, int)); char room[ROOM]; return next(at, place(path, room), flags); }
CHECKED_AT(__openat_2)
CHECKED_AT(__openat64_2)

#define TWO(name) SHOWN int name(const char *from, const char *to) \
    { NEXT(name); char one[ROOM], other[ROOM]; return next(place(from, one), place(to, other)); }
TWO(rename)
TWO(link)
SHOWN int renameat(int a, const char *from, int b, const char *to)
{
    NEXT(renameat);
    char one[ROOM], other[ROOM];
    return next(a, place(from, one), b, place(to, other));
}
SHOWN int renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
    NEXT(renameat2);
    char one[ROOM], other[ROOM];
    return next(a, place(from, one), b, place(to, other), flags);
}
SHOWN int linkat(int a, const char *from, int b, const char *to, int flags)
{
    NEXT(linkat);
    char one[ROOM], other[ROOM];
    return next(a, place(from, one), b, place(to, other), flags);
}
SHOWN int symlink(const char *target, const char *path)
{
    NEXT(symlink);
    char room[ROOM];
    return next(target, place(path, room));
}
SHOWN int symlinkat(const char *target, int at, const char *path)
{
    NEXT(symlinkat);
    char room[ROOM];
    return next(target, at, place(path, room));
}

SHOWN char *getcwd(char *into, size_t size)
{
    NEXT(getcwd);
    char room[ROOM];
    if (next(room, sizeof room) == NULL)
        return NULL;
    seen(room);
    if (into == NULL)
        return strdup(room);
    if (strlen(room) >= size) {
        errno = ERANGE;
        return NULL;
    }
    return strcpy(into, room);
}
SHOWN char *realpath(const char *path, char *into)
{
    NEXT(realpath);
    char room[ROOM];
    return seen(next(place(path, room), into));
}

SHOWN int execve(const char *path, char *const argv[], char *const env[])
{
    NEXT(execve);
    char room[ROOM];
    return next(place(path, room), argv, env);
}
SHOWN int execvp(const char *path, char *const argv[])
{
    NEXT(execvp);
    char room[ROOM];
    return next(place(path, room), argv);
}

SHOWN uid_t getuid(void) { return 0; }
SHOWN uid_t geteuid(void) { return 0; }
SHOWN gid_t getgid(void) { return 0; }
SHOWN gid_t getegid(void) { return 0; }

static int is_postgres(const struct sockaddr *to)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)to;
    if (to->sa_family == AF_INET)
        return ntohs(four->sin_port) == 5432 && (ntohl(four->sin_addr.s_addr) >> 24) == 127;
    return to->sa_family == AF_UNIX && strstr(((const struct sockaddr_un *)to)->sun_path, ".s.PGSQL.5432") != NULL;
}

/* the VM's PostgreSQL: the socket at LAB_POSTGRES takes the place of the one that was asked for */
SHOWN int connect(int fd, const struct sockaddr *to, socklen_t size)
{
    NEXT(connect);
    struct sockaddr_un there = {.sun_family = AF_UNIX};
    if (!is_postgres(to) || postgres == NULL)
        return next(fd, to, size);
    int was = errno, flags = fcntl(fd, F_GETFL), own = fcntl(fd, F_GETFD), link = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(there.sun_path, sizeof there.sun_path, "%s", postgres);
    if (link < 0 || next(link, (struct sockaddr *)&there, sizeof there) != 0 || dup2(link, fd) < 0) {
        close(link);
        errno = to->sa_family == AF_UNIX ? ENOENT : ECONNREFUSED;
        return -1;
    }
    close(link);
    fcntl(fd, F_SETFL, flags);
    fcntl(fd, F_SETFD, own);
    errno = was;
    return 0;
}

/* localhost is 127.0.0.1 there, whatever the machine's own hosts file says */
SHOWN int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    NEXT(getaddrinfo);
    struct addrinfo four = {0};
    if (hints != NULL)
        four = *hints;
    if (node == NULL || strcmp(node, "localhost") != 0 || four.ai_family == AF_INET6)
        return next(node, service, hints, found);
    four.ai_family = AF_INET;
    return next("127.0.0.1", service, &four, found);
}
