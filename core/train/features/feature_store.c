#include "core/train/features/feature_store.h"

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { COMMITTED = 0x534f4b21 };
static const char MAGIC[16] = "inspfeatures 1\n";
#define SUFFIX ".features"

/* The file's first page. */
struct header {
    char magic[sizeof MAGIC];
    uint64_t data_bytes;
};

/* The first page of each slot. */
struct slot {
    _Atomic uint32_t state; /* COMMITTED or anything else */
    char key[INSP_STORE_KEY_BYTES];
    uint64_t checksum;
    int64_t used_us; /* wall */
};

struct insp_feature_store {
    int fd;
    char folder[INSP_PATH_BYTES]; /* "" for a temporary file */
    char file[256];
    size_t data_bytes, stride, slots;
    uint64_t bytes_max;
    unsigned char *map; /* header and slots */
};

static uint64_t file_bytes(const struct insp_feature_store *s, size_t slots) {
    return INSP_STORE_PAGE + (uint64_t)slots * s->stride;
}

static struct slot *slot_at(const struct insp_feature_store *s, size_t i) {
    return (struct slot *)(s->map + INSP_STORE_PAGE + i * s->stride);
}

void *insp_feature_store_data(const struct insp_feature_store *s, size_t i) {
    return s->map + INSP_STORE_PAGE + i * s->stride + INSP_STORE_PAGE;
}

size_t insp_feature_store_slots(const struct insp_feature_store *s) {
    return s->slots;
}

/* Computes four independent xor-and-multiply chains (FNV's prime). Detects torn and lost pages, not an attacker.
 */
static uint64_t checksum(const void *data, size_t bytes) {
    const uint64_t *word = data;
    uint64_t lane[4] = {1, 2, 3, 4};
    for (size_t i = 0; i + 4 <= bytes / sizeof *word; i += 4)
        for (size_t k = 0; k < 4; k++)
            lane[k] = (lane[k] ^ word[i + k]) * 0x100000001b3u;
    return lane[0] ^ lane[1] << 1 ^ lane[2] << 2 ^ lane[3] << 3;
}

static bool committed(const struct insp_feature_store *s, size_t i) {
    return atomic_load_explicit(&slot_at(s, i)->state, memory_order_acquire) == COMMITTED;
}

static void empty(struct insp_feature_store *s, size_t i) {
    atomic_store_explicit(&slot_at(s, i)->state, 0, memory_order_release);
}

const char *insp_feature_store_key(const struct insp_feature_store *s, size_t i) {
    const struct slot *slot = slot_at(s, i);
    return committed(s, i) && memchr(slot->key, '\0', sizeof slot->key) ? slot->key : "";
}

bool insp_feature_store_verify(struct insp_feature_store *s, size_t i) {
    struct slot *slot = slot_at(s, i);
    if (!committed(s, i))
        return false;
    if (slot->checksum != checksum(insp_feature_store_data(s, i), s->data_bytes)) {
        empty(s, i);
        return false;
    }
    slot->used_us = insp_wall_us();
    return true;
}

void insp_feature_store_commit(struct insp_feature_store *s, size_t i, const char *key) {
    struct slot *slot = slot_at(s, i);
    slot->checksum = checksum(insp_feature_store_data(s, i), s->data_bytes);
    slot->used_us = insp_wall_us();
    strncpy(slot->key, key, sizeof slot->key - 1);
    slot->key[sizeof slot->key - 1] = '\0';
    atomic_store_explicit(&slot->state, COMMITTED, memory_order_release);
}

/* Grows the file and its mapping to `slots` slots. New slots are zero, that is, empty. */
static int grow(struct insp_feature_store *s, size_t slots, struct insp_error *reterr) {
    size_t old = s->map ? file_bytes(s, s->slots) : 0, bytes = file_bytes(s, slots);
    int errnum = bytes > old ? posix_fallocate(s->fd, (off_t)old, (off_t)(bytes - old)) : 0;
    if (errnum) {
        if (ftruncate(s->fd, (off_t)old) < 0 && s->map) /* frees a partial allocation */
            return insp_fail_errno(reterr, errno, "cannot shorten the feature cache %s/%s", s->folder, s->file);
        return insp_fail_errno(reterr, errnum, "the feature cache %s%s needs %.1f MB for %zu images", s->folder,
                               *s->folder ? "" : "(temporary)", (double)bytes / 1e6, slots);
    }
    void *map = s->map ? mremap(s->map, old, bytes, MREMAP_MAYMOVE)
                       : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
    if (map == MAP_FAILED)
        return insp_fail_errno(reterr, errno, "cannot map %.1f MB of the feature cache", (double)bytes / 1e6);
    s->map = map;
    s->slots = slots;
    return 0;
}

/* Maps an existing file. *ret_usable is false if it must be emptied. */
static int take_over(struct insp_feature_store *s, bool *ret_usable, struct insp_error *reterr) {
    struct stat st;
    struct header header;
    if (fstat(s->fd, &st) < 0)
        return insp_fail_errno(reterr, errno, "cannot read the status of the feature cache %s/%s", s->folder,
                               s->file);
    uint64_t bytes = (uint64_t)st.st_size;
    *ret_usable = bytes >= INSP_STORE_PAGE && (bytes - INSP_STORE_PAGE) % s->stride == 0 &&
                  (!s->bytes_max || bytes <= s->bytes_max) &&
                  pread(s->fd, &header, sizeof header, 0) == (ssize_t)sizeof header &&
                  !memcmp(header.magic, MAGIC, sizeof MAGIC) && header.data_bytes == s->data_bytes;
    if (*ret_usable) {
        void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
        if (map == MAP_FAILED)
            return insp_fail_errno(reterr, errno, "cannot map the feature cache %s/%s", s->folder, s->file);
        s->map = map;
        s->slots = (bytes - INSP_STORE_PAGE) / s->stride;
    }
    return 0;
}

static int start_afresh(struct insp_feature_store *s, struct insp_error *reterr) {
    if (ftruncate(s->fd, 0) < 0)
        return insp_fail_errno(reterr, errno, "cannot empty the feature cache %s/%s", s->folder, s->file);
    int r = grow(s, 0, reterr);
    if (r < 0)
        return r;
    struct header *header = (struct header *)s->map;
    header->data_bytes = s->data_bytes;
    memcpy(header->magic, MAGIC, sizeof MAGIC);
    return 0;
}

static int open_temporary(struct insp_feature_store *s, struct insp_error *reterr) {
    const char *folder = getenv("TMPDIR");
    char path[INSP_PATH_BYTES];
    int r = insp_path(path, reterr, "%s/inspectd-features-XXXXXX", folder && *folder ? folder : "/tmp");
    if (r < 0)
        return r;
    s->fd = mkostemp(path, O_CLOEXEC);
    if (s->fd < 0 || unlink(path) < 0)
        return insp_fail_errno(reterr, errno, "cannot create the temporary file %s for features", path);
    return start_afresh(s, reterr);
}

static int open_named(struct insp_feature_store *s, const char *folder, const char *name,
                      struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = insp_path(s->folder, reterr, "%s", folder);
    if (r < 0 || (r = insp_mkdir_all(folder, 0750, reterr)) < 0)
        return r;
    int n = snprintf(s->file, sizeof s->file, "%s" SUFFIX, name);
    if (n < 0 || (size_t)n >= sizeof s->file)
        return insp_fail(reterr, INSP_E_INTERNAL, "the name of a feature cache is too long");
    if ((r = insp_path(path, reterr, "%s/%s", folder, s->file)) < 0)
        return r;
    s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (s->fd < 0)
        return insp_fail_errno(reterr, errno, "cannot open the feature cache %s", path);
    r = insp_lock(s->fd, INSP_LOCK_TRY);
    if (r == -EWOULDBLOCK)
        return insp_fail(
            reterr, INSP_E_CONFLICT,
            "the feature cache %s is in use by another training; wait until it ends, or choose another "
            "cache folder",
            path);
    if (r < 0)
        return insp_fail_errno(reterr, -r, "cannot lock the feature cache %s", path);
    bool usable;
    if ((r = take_over(s, &usable, reterr)) < 0 || (!usable && (r = start_afresh(s, reterr)) < 0))
        return r;
    futimens(s->fd, NULL); /* the oldest file is removed first; a failed update only costs a cache */
    return 0;
}

int insp_feature_store_open(const char *folder, const char *name, size_t data_bytes, uint64_t bytes_max,
                            struct insp_feature_store **ret, struct insp_error *reterr) {
    _cleanup_(insp_feature_store_closep) struct insp_feature_store *s = calloc(1, sizeof *s);
    if (!s)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the feature cache");
    s->fd = -1;
    s->data_bytes = data_bytes;
    s->stride = INSP_STORE_PAGE + data_bytes;
    s->bytes_max = bytes_max;
    int r = folder ? open_named(s, folder, name, reterr) : open_temporary(s, reterr);
    if (r == 0)
        *ret = insp_take_ptr(s);
    return r;
}

/* The other feature files in the folder: their total size, and the oldest of them that nobody uses. */
struct others {
    uint64_t bytes;
    char oldest[256]; /* "": there is none */
    struct timespec age;
};

static bool earlier(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* Says whether a training has the file open, this one too. Its space would stay in use without its name, and what
 * it holds would be lost. */
static bool in_use(int folder, const char *file) {
    int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool used = fd >= 0 && insp_lock(fd, INSP_LOCK_TRY) == -EWOULDBLOCK;
    if (fd >= 0)
        close(fd);
    return used;
}

static int look_at_others(const struct insp_feature_store *s, struct others *ret, struct insp_error *reterr) {
    *ret = (struct others){0};
    DIR *dir = opendir(s->folder);
    if (!dir)
        return insp_fail_errno(reterr, errno, "cannot list the feature cache %s", s->folder);
    for (struct dirent *e; (e = readdir(dir));) {
        struct stat st;
        size_t n = strlen(e->d_name), suffix = strlen(SUFFIX);
        if (n < suffix || strcmp(e->d_name + n - suffix, SUFFIX) || !strcmp(e->d_name, s->file) ||
            fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        ret->bytes += (uint64_t)st.st_size;
        if ((!*ret->oldest || earlier(&st.st_mtim, &ret->age)) && !in_use(dirfd(dir), e->d_name)) {
            memcpy(ret->oldest, e->d_name, n + 1);
            ret->age = st.st_mtim;
        }
    }
    closedir(dir);
    return 0;
}

/* Removes other feature files, oldest first, until `wanted` bytes of this one fit, or only files in use are left.
 */
static int make_room(const struct insp_feature_store *s, uint64_t wanted, struct insp_error *reterr) {
    while (s->bytes_max && *s->folder) {
        struct others others;
        char path[INSP_PATH_BYTES];
        int r = look_at_others(s, &others, reterr);
        if (r < 0)
            return r;
        if (!*others.oldest || wanted + others.bytes <= s->bytes_max)
            return 0;
        if ((r = insp_path(path, reterr, "%s/%s", s->folder, others.oldest)) < 0)
            return r;
        if (unlink(path) < 0)
            return insp_fail_errno(reterr, errno, "cannot remove the older feature cache %s", path);
    }
    return 0;
}

void insp_feature_store_close(struct insp_feature_store *s) {
    if (!s)
        return;
    struct insp_error error; /* a job with two files in use may have taken more than the limit */
    if (s->map && make_room(s, file_bytes(s, s->slots), &error) < 0)
        insp_log_warning("the feature cache stays above its limit folder=%s detail=%s", INSP_LOG_WORD(s->folder),
                         INSP_LOG_QUOTED(error.detail));
    if (s->map)
        munmap(s->map, file_bytes(s, s->slots));
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

/* Returns the slot to reuse next, or s->slots if there is none. */
static size_t least_recently_used(const struct insp_feature_store *s, const bool *keep, size_t old_slots) {
    size_t found = s->slots;
    for (size_t i = 0; i < old_slots; i++)
        if (!keep[i] && committed(s, i) &&
            (found == s->slots || slot_at(s, i)->used_us < slot_at(s, found)->used_us))
            found = i;
    return found;
}

int insp_feature_store_reserve(struct insp_feature_store *s, const bool *keep, size_t count, size_t *ret_slot,
                               struct insp_error *reterr) {
    size_t found = 0, kept = 0, old_slots = s->slots;
    for (size_t i = 0; i < old_slots; i++)
        kept += keep[i];
    uint64_t least = file_bytes(s, kept + count);
    if (s->bytes_max && least > s->bytes_max)
        return insp_fail(
            reterr, INSP_E_NOSPACE,
            "the features of this dataset need %.1f MB, but the cache is limited to %.1f MB; raise the limit or "
            "store float16",
            (double)least / 1e6, (double)s->bytes_max / 1e6);
    for (size_t i = 0; i < old_slots && found < count; i++)
        if (!keep[i] && !committed(s, i))
            ret_slot[found++] = i;
    size_t room = s->bytes_max ? (s->bytes_max - INSP_STORE_PAGE) / s->stride : SIZE_MAX;
    size_t more = count - found, spare = room > old_slots ? room - old_slots : 0;
    if (more > spare)
        more = spare;
    int r = make_room(s, file_bytes(s, old_slots + more), reterr);
    if (r < 0 || (r = grow(s, old_slots + more, reterr)) < 0)
        return r;
    for (size_t i = 0; i < more; i++)
        ret_slot[found++] = old_slots + i;
    while (found < count) {
        size_t i = least_recently_used(s, keep, old_slots); /* exists, because `least` bytes fit */
        empty(s, i);
        ret_slot[found++] = i;
    }
    return 0;
}
