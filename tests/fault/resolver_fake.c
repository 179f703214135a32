/* A resolver that never answers for one name: preloaded, it notes the question by making the file named by
 * RESOLVER_FAKE, and keeps the thread that asked. */
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int resolve(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret);

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret) {
    const char *path = getenv("RESOLVER_FAKE");
    if (path && node && !strcmp(node, "hangs.example")) {
        int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        if (fd >= 0)
            close(fd);
        for (;;)
            pause();
    }
    resolve *next;
    *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
    return next(node, service, hints, ret);
}
