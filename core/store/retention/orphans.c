#include "core/store/retention/orphans.h"

#include "core/base/fs.h"
#include "core/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXPIRE_FILES = 100 };
static const int64_t YOUNG_US = 3600 * 1000000LL; /* younger files may belong to a put in progress */
static const int64_t DAY_US = 24 * 3600 * 1000000LL;
static const int64_t MINUTE_US = 60 * 1000000LL;

enum row { NO_ROW, ROW_WITHOUT_IMAGE, ROW_WITH_IMAGE };

struct walk {
    struct insp_store *store;
    const struct insp_retention *policy;
    int64_t wall_us;
    size_t left; /* files still to be examined */
    struct insp_retention_result *result;
    struct sqlite3_stmt *lookup;
    int images, quarantine; /* folders; -1: missing */
};

static int open_folder(int at, const char *name) {
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int64_t age_us(const struct stat *st, int64_t wall_us) {
    return wall_us - (int64_t)st->st_mtim.tv_sec * 1000000 - st->st_mtim.tv_nsec / 1000;
}

/* --- one file --- */

static int look_up(struct walk *walk, const unsigned char *blob, int64_t key, enum row *ret,
                   struct insp_error *reterr) {
    sqlite3_bind_int64(walk->lookup, 1, key);
    sqlite3_bind_blob(walk->lookup, 2, blob, INSP_ID_BLOB_BYTES, SQLITE_STATIC);
    int step = sqlite3_step(walk->lookup);
    *ret = step != SQLITE_ROW ? NO_ROW : sqlite3_column_int(walk->lookup, 0) ? ROW_WITH_IMAGE : ROW_WITHOUT_IMAGE;
    int r = step == SQLITE_ROW || step == SQLITE_DONE ? 0 : insp_sql_fail(sqlite3_db_handle(walk->lookup), reterr);
    sqlite3_reset(walk->lookup);
    return r;
}

/* Opens the quarantine; makes it for the first file. */
static int quarantine_folder(struct walk *walk, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    if (walk->quarantine >= 0)
        return 0;
    int r = insp_path(path, reterr, "%s/quarantine", walk->store->state_dir);
    if (r == 0)
        r = insp_mkdir_all(path, 0750, reterr);
    if (r < 0)
        return r;
    walk->quarantine = open_folder(AT_FDCWD, path);
    return walk->quarantine < 0 ? insp_fail_errno(reterr, errno, "cannot open %s", path) : 0;
}

/* Moves a file to the quarantine and sets its time, from which its age there counts. Moves it back if a row
 * has appeared meanwhile (the walk raced a very slow put). */
static int set_aside(struct walk *walk, const char *name, const unsigned char *blob, int64_t key,
                     const struct stat *st, struct insp_error *reterr) {
    int day = dirfd(walk->store->walk.day);
    enum row row = NO_ROW;
    if (walk->result->quarantine_bytes + (uint64_t)st->st_size > walk->policy->quarantine_bytes_max) {
        walk->result->alarms |= INSP_ALARM_QUARANTINE;
        return 0;
    }
    int r = quarantine_folder(walk, reterr);
    if (r < 0)
        return r;
    if (renameat(day, name, walk->quarantine, name) < 0)
        return errno == ENOENT ? 0 : insp_fail_errno(reterr, errno, "cannot move %s to the quarantine", name);
    r = look_up(walk, blob, key, &row, reterr);
    if (r < 0 || row == ROW_WITH_IMAGE) {
        renameat(walk->quarantine, name, day, name);
        return r;
    }
    utimensat(walk->quarantine, name, NULL, 0);
    walk->result->quarantined++;
    walk->result->quarantine_bytes += (uint64_t)st->st_size;
    return 0;
}

static void count_orphan(struct walk *walk, int64_t key) {
    struct insp_store *store = walk->store;
    struct insp_orphan_count *count = &store->walk.count;
    int64_t made_us = (key >> INSP_KEY_MS_SHIFT) * 1000;
    count->orphans++;
    count->before_birth += made_us < store->born_us - MINUTE_US;
    count->behind_newest += made_us < store->opened_us && made_us > store->opened_newest_us + 10 * MINUTE_US;
}

static int look_at(struct walk *walk, const char *name, struct insp_error *reterr) {
    struct insp_orphan_walk *state = &walk->store->walk;
    char id[INSP_UUID_BYTES];
    unsigned char blob[INSP_ID_BLOB_BYTES];
    int64_t key;
    struct stat st;
    enum row row = NO_ROW;
    snprintf(id, sizeof id, "%.36s", name);
    if (!insp_id_parse(id, blob, &key) || name[INSP_UUID_BYTES - 1] != '.')
        return 0; /* not a file of inspectd */
    walk->left--;
    state->count.files++;
    int r = look_up(walk, blob, key, &row, reterr);
    if (r < 0 || row == ROW_WITH_IMAGE)
        return r;
    if (fstatat(dirfd(state->day), name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
        age_us(&st, walk->wall_us) < YOUNG_US)
        return 0;
    if (row == NO_ROW) /* else retention dropped the image and died before it removed the file */
        count_orphan(walk, key);
    bool may = state->judged && state->plausible && insp_orphans_plausible(&state->count);
    return may ? set_aside(walk, name, blob, key, &st, reterr) : 0;
}

/* --- day by day --- */

/* Closes the day and removes its folder if empty. Today's and yesterday's stay: a put may be about to write
 * there. */
static void close_day(struct walk *walk) {
    struct insp_orphan_walk *state = &walk->store->walk;
    struct stat st;
    bool old = fstat(dirfd(state->day), &st) == 0 && age_us(&st, walk->wall_us) > DAY_US;
    closedir(insp_take_ptr(state->day));
    if (old)
        unlinkat(walk->images, state->name, AT_REMOVEDIR);
}

/* Finds the first name after the last one; "" after the last day. */
static int next_day(struct walk *walk, struct insp_error *reterr) {
    struct insp_orphan_walk *state = &walk->store->walk;
    char best[sizeof state->name] = "";
    int again = dup(walk->images);
    DIR *days = again < 0 ? NULL : fdopendir(again);
    if (!days)
        return insp_fail_errno(reterr, errno, "cannot read %s/images", walk->store->state_dir);
    rewinddir(days);
    for (struct dirent *entry; (entry = readdir(days));) {
        const char *name = entry->d_name;
        if (name[0] != '.' && strlen(name) < sizeof best && strcmp(name, state->name) > 0 &&
            (!*best || strcmp(name, best) < 0))
            snprintf(best, sizeof best, "%s", name);
    }
    closedir(days);
    snprintf(state->name, sizeof state->name, "%s", best);
    if (!*best)
        return 0;
    int day = open_folder(walk->images, best);
    state->day = day < 0 ? NULL : fdopendir(day); /* anything but a folder is skipped */
    return 0;
}

static int walk_round(struct walk *walk, bool *ret_ended, struct insp_error *reterr) {
    struct insp_orphan_walk *state = &walk->store->walk;
    *ret_ended = false;
    for (;;) {
        int r = state->day ? 0 : next_day(walk, reterr);
        if (r < 0)
            return r;
        if (!*state->name) {
            *ret_ended = true;
            state->judged = true;
            state->plausible = insp_orphans_plausible(&state->count);
            state->last = state->count;
            state->count = (struct insp_orphan_count){0};
            return 0;
        }
        if (!state->day)
            continue;
        for (struct dirent *entry; (entry = readdir(state->day));) {
            r = look_at(walk, entry->d_name, reterr);
            if (r < 0)
                return r;
            if (!walk->left)
                return 0;
        }
        close_day(walk);
    }
}

/* Walks and judges within one sweep if it can: two rounds at most. */
static int walk_work(struct sqlite3 *db, void *arg, struct insp_error *reterr) {
    struct walk *walk = arg;
    bool ended = true;
    int r = insp_sql_prepare(db, "SELECT image_kept FROM inspection WHERE key = ?1 AND id = ?2", &walk->lookup,
                             reterr);
    for (int round = 0; round < 2 && r == 0 && ended && walk->left; round++)
        r = walk_round(walk, &ended, reterr);
    sqlite3_finalize(walk->lookup);
    return r;
}

int insp_orphans_walk(struct insp_store *store, const struct insp_retention *policy, int64_t wall_us, size_t files,
                      struct insp_retention_result *ret, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = insp_path(path, reterr, "%s/images", store->state_dir);
    if (r < 0)
        return r;
    _cleanup_close_ int images = open_folder(AT_FDCWD, path);
    if (images < 0)
        return errno == ENOENT ? 0 : insp_fail_errno(reterr, errno, "cannot read %s", path);
    struct walk walk = {.store = store,
                        .policy = policy,
                        .wall_us = wall_us,
                        .left = files,
                        .result = ret,
                        .images = images,
                        .quarantine = -1};
    r = insp_store_read(store, walk_work, &walk, reterr);
    if (walk.quarantine >= 0)
        close(walk.quarantine);
    const struct insp_orphan_walk *state = &store->walk;
    bool fine = insp_orphans_plausible(&state->count) && (!state->judged || state->plausible);
    ret->orphans = state->count.orphans > state->last.orphans ? state->count.orphans : state->last.orphans;
    ret->alarms |= fine ? 0U : (unsigned)INSP_ALARM_ORPHANS;
    return r;
}

void insp_orphans_close(struct insp_orphan_walk *walk) {
    if (walk->day)
        closedir(insp_take_ptr(walk->day));
}

/* --- the quarantine --- */

int insp_quarantine_sweep(struct insp_store *store, const struct insp_retention *policy, int64_t wall_us,
                          bool believed, struct insp_retention_result *ret, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = insp_path(path, reterr, "%s/quarantine", store->state_dir);
    if (r < 0)
        return r;
    DIR *folder = opendir(path);
    if (!folder)
        return errno == ENOENT ? 0 : insp_fail_errno(reterr, errno, "cannot read %s", path);
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct stat st;
        if (entry->d_name[0] == '.' || fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(st.st_mode))
            continue;
        if (believed && policy->quarantine_age_us && ret->expired < EXPIRE_FILES &&
            age_us(&st, wall_us) > policy->quarantine_age_us && unlinkat(dirfd(folder), entry->d_name, 0) == 0)
            ret->expired++;
        else
            ret->quarantine_bytes += (uint64_t)st.st_size;
    }
    closedir(folder);
    return 0;
}
