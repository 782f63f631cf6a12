/* Every virtual command of a lab host is a link to this program. It tells the lab its name and arguments over a Unix
 * socket and plays back what the lab answers: frames of one letter, four bytes of length (big endian), payload.
 *   o stdout   e stderr   x exit code (ends)   r run this argv instead (NUL-separated; the first word is looked up on PATH)
 * No answer, no end: that is how a command hangs. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int put(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, data, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        data += done;
        size -= (size_t)done;
    }
    return 0;
}

static int get(int fd, char *data, size_t size)
{
    while (size > 0) {
        ssize_t done = read(fd, data, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        data += done;
        size -= (size_t)done;
    }
    return 0;
}

static int word(int fd, const char *text)
{
    return put(fd, text, strlen(text) + 1);
}

static void run_instead(char *payload, uint32_t size)
{
    char *words[4096];
    size_t count = 0;
    for (char *at = payload; at < payload + size && count < 4095; at += strlen(at) + 1)
        words[count++] = at;
    words[count] = NULL;
    if (count == 0)
        exit(127);
    execvp(words[0], words);
    fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
    exit(errno == ENOENT ? 127 : 126);
}

/* Tools that read files concern the lab only when they are given an absolute path; else the real ones run at once. */
static void pass_by(const char *name, int argc, char **argv)
{
    static const char *readers[] = {"cat", "tail", "grep", "egrep", "fgrep", "stat", "ls", "sha256sum", "tee", NULL};
    static const char *places[] = {"/usr/bin", "/bin", "/usr/local/bin", NULL};
    char path[256];
    int known = 0;
    for (int i = 0; readers[i] != NULL; i++)
        known |= strcmp(readers[i], name) == 0;
    for (int i = 1; known && i < argc; i++)
        known = argv[i][0] != '/';
    for (int i = 0; known && places[i] != NULL; i++) {
        snprintf(path, sizeof path, "%s/%s", places[i], name);
        execv(path, argv);
    }
}

/* The shell of a host expands no pattern of a script that reads /sys: grep and find of the lab do, since the machine's own
 * /sys must not show; that of an Oracle VM expands none at all. It is no command of the host, so the lab does not hear of it. */
static void shell(int argc, char **argv)
{
    char *words[64];
    int count = 0, touches = argc > 2 && strcmp(argv[1], "-c") == 0;
    touches = touches && (strstr(argv[2], "/sys/") != NULL || getenv("LAB_NO_PATTERNS") != NULL);
    if (argc > 60)
        exit(126);
    words[count++] = "sh";
    if (touches)
        words[count++] = "-f";
    for (int i = 1; i < argc; i++)
        words[count++] = argv[i];
    words[count] = NULL;
    execv("/bin/sh", words);
    exit(127);
}

/* tee is told what came on stdin, as its last word: at most 64 KiB, without NUL. */
static int input(int fd)
{
    char text[65536];
    size_t size = 0;
    ssize_t more;
    while (size < sizeof text - 1 && (more = read(0, text + size, sizeof text - 1 - size)) > 0)
        size += (size_t)more;
    text[size] = '\0';
    return word(fd, text);
}

int main(int argc, char **argv)
{
    const char *name = strrchr(argv[0], '/');
    name = name ? name + 1 : argv[0];
    pass_by(name, argc, argv);
    if (strcmp(name, "sh") == 0)
        shell(argc, argv);
    const char *path = getenv("LAB_SOCKET"), *host = getenv("LAB_HOST");
    char cwd[4096];
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (path == NULL || host == NULL || fd < 0 || strlen(path) >= sizeof to.sun_path)
        return 127;
    strcpy(to.sun_path, path);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        return 127;
    if (word(fd, host) || word(fd, getcwd(cwd, sizeof cwd) ? cwd : "/") || word(fd, name))
        return 127;
    for (int i = 1; i < argc; i++)
        if (word(fd, argv[i]))
            return 127;
    if (strcmp(name, "tee") == 0 && input(fd))
        return 127;
    shutdown(fd, SHUT_WR);
    for (;;) {
        char kind, *payload;
        uint32_t size;
        if (get(fd, &kind, 1) || get(fd, (char *)&size, 4))
            return 137; /* the lab is gone */
        size = ntohl(size);
        payload = malloc((size_t)size + 1);
        if (payload == NULL || get(fd, payload, size))
            return 137;
        payload[size] = '\0';
        if (kind == 'x')
            return size > 0 ? (unsigned char)payload[0] : 0;
        if (kind == 'r')
            run_instead(payload, size);
        else if (put(kind == 'e' ? 2 : 1, payload, size))
            return 141;
        free(payload);
    }
}
