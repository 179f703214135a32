#include "core/base/sha256.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void finish(struct sha256_ctx *ctx, char *out) {
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(ctx, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

void insp_sha256_hex(const void *data, size_t bytes, char *out) {
    struct sha256_ctx ctx;
    sha256_init(&ctx);
    sha256_update(&ctx, bytes, data);
    finish(&ctx, out);
}

int insp_sha256_fd(int fd, const char *name, char *ret_hex, struct insp_error *reterr) {
    enum { STEP = 1 << 20 };
    _cleanup_free_ unsigned char *buffer = malloc(STEP);
    if (!buffer)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to hash %s", name);
    struct sha256_ctx ctx;
    sha256_init(&ctx);
    for (size_t n = STEP; n == STEP;) {
        int r = insp_read_all(fd, buffer, STEP, &n);
        if (r < 0)
            return insp_fail_errno(reterr, -r, "cannot read %s", name);
        sha256_update(&ctx, n, buffer);
    }
    finish(&ctx, ret_hex);
    return 0;
}

int insp_sha256_file(const char *path, char *ret_hex, struct insp_error *reterr) {
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return insp_fail_errno(reterr, errno, "cannot open %s", path);
    return insp_sha256_fd(fd, path, ret_hex, reterr);
}

bool insp_sha256_hex_valid(const char *text) {
    return strspn(text, "0123456789abcdef") == INSP_SHA256_HEX_BYTES - 1 && !text[INSP_SHA256_HEX_BYTES - 1];
}

bool insp_equal_constant_time(const void *a, const void *b, size_t n) {
    return memeql_sec(a, b, n) != 0;
}
