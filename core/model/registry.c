#include "core/model/registry.h"

#include "core/base/cleanup.h"
#include "core/base/fs.h"
#include "core/base/uuid.h"
#include "core/model/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { HISTORY_MAX = 32, ACTIVE_BYTES_MAX = 64 << 10, FILE_MODE = 0644 };

/* --- folders --- */

void insp_names_clear(struct insp_names *names) {
    free(names->name);
    *names = (struct insp_names){0};
}

static int add_name(struct insp_names *names, const char *name, struct insp_error *reterr) {
    enum { STEP = 16 };
    if (names->count % STEP == 0) {
        void *more = realloc(names->name, (names->count + STEP) * sizeof *names->name);
        if (!more)
            return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu names", names->count + STEP);
        names->name = more;
    }
    snprintf(names->name[names->count++], INSP_NAME_BYTES, "%s", name);
    return 0;
}

/* Adds the folders in `folder` whose names are valid; names of temporaries start with a dot and are not. */
static int list_folders(const char *folder, struct insp_names *names, struct insp_error *reterr) {
    DIR *dir = opendir(folder);
    if (!dir)
        return errno == ENOENT ? 0 : insp_fail_errno(reterr, errno, "cannot list %s", folder);
    int r = 0;
    for (const struct dirent *entry; r == 0 && (entry = readdir(dir));) {
        struct stat st;
        if (insp_name_valid(entry->d_name) && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
            S_ISDIR(st.st_mode))
            r = add_name(names, entry->d_name, reterr);
    }
    closedir(dir);
    return r;
}

static int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

static int need_product_name(const char *product, struct insp_error *reterr) {
    return insp_name_valid(product)
               ? 0
               : insp_fail(reterr, INSP_E_NOT_FOUND, "there is no product \"%.80s\"", product);
}

static int list_versions(const char *state_dir, const char *product, struct insp_names *names,
                         struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    int r = insp_path(folder, reterr, "%s/models/%s", state_dir, product);
    return r < 0 ? r : list_folders(folder, names, reterr);
}

int insp_registry_products(const char *state_dir, struct insp_names *ret, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    struct insp_names all = {0}, kept = {0};
    int r = insp_path(folder, reterr, "%s/models", state_dir);
    if (r == 0)
        r = list_folders(folder, &all, reterr);
    for (size_t i = 0; r == 0 && i < all.count; i++) {
        struct insp_names versions = {0};
        r = list_versions(state_dir, all.name[i], &versions, reterr);
        if (r == 0 && versions.count) /* a folder without a model is not a product */
            r = add_name(&kept, all.name[i], reterr);
        insp_names_clear(&versions);
    }
    insp_names_clear(&all);
    if (r < 0) {
        insp_names_clear(&kept);
        return r;
    }
    if (kept.count)
        qsort(kept.name, kept.count, sizeof *kept.name, by_name);
    *ret = kept;
    return 0;
}

struct dated {
    int64_t created_us;
    char name[INSP_NAME_BYTES];
};

/* Orders the newest first; of equal times "…Z-10" comes after "…Z-9" (strverscmp). */
static int newest_first(const void *a, const void *b) {
    const struct dated *left = a, *right = b;
    if (left->created_us != right->created_us)
        return left->created_us < right->created_us ? 1 : -1;
    return strverscmp(right->name, left->name);
}

int insp_registry_versions(const char *state_dir, const char *product, struct insp_names *ret,
                           struct insp_error *reterr) {
    struct insp_names names = {0};
    int r = need_product_name(product, reterr);
    if (r == 0)
        r = list_versions(state_dir, product, &names, reterr);
    _cleanup_free_ struct dated *dated = r == 0 ? calloc(names.count + 1, sizeof *dated) : NULL;
    if (r == 0 && !dated)
        r = insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu versions", names.count);
    if (r) {
        insp_names_clear(&names);
        return r;
    }
    for (size_t i = 0; i < names.count; i++) {
        _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
        snprintf(dated[i].name, sizeof dated[i].name, "%s", names.name[i]);
        /* An unreadable model is listed too, last, so that it can be seen and removed. */
        bool readable = insp_bundle_read_manifest(state_dir, product, names.name[i], &manifest, NULL) == 0;
        dated[i].created_us = readable ? manifest->created_us : INT64_MIN;
    }
    qsort(dated, names.count, sizeof *dated, newest_first);
    for (size_t i = 0; i < names.count; i++)
        memcpy(names.name[i], dated[i].name, sizeof dated[i].name);
    *ret = names;
    return 0;
}

/* --- active.json --- */

struct active {
    char version[INSP_NAME_BYTES]; /* "" if none */
    size_t count;
    char history[HISTORY_MAX][INSP_NAME_BYTES]; /* newest first, each version once, never the active one */
};

static int read_name(const json_t *value, const char *path, const char *what, char *ret,
                     struct insp_error *reterr) {
    const char *text = json_string_value(value);
    if (!text || !insp_name_valid(text))
        return insp_fail(reterr, INSP_E_MODEL, "%s: %s is not the name of a version", path, what);
    snprintf(ret, INSP_NAME_BYTES, "%s", text);
    return 0;
}

static int parse_active(const char *text, size_t bytes, const char *path, struct active *ret,
                        struct insp_error *reterr) {
    json_error_t syntax;
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &syntax);
    if (!root)
        return insp_fail(reterr, INSP_E_MODEL, "%s: line %d: %s", path, syntax.line, syntax.text);
    const json_t *version = json_object_get(root, "active"), *history = json_object_get(root, "history");
    int r = 0;
    if (!version || !json_is_array(history))
        r = insp_fail(reterr, INSP_E_MODEL, "%s: expected {\"active\": version or null, \"history\": [versions]}",
                      path);
    else if (!json_is_null(version))
        r = read_name(version, path, "active", ret->version, reterr);
    for (size_t i = 0; r == 0 && i < json_array_size(history) && i < HISTORY_MAX; i++)
        r = read_name(json_array_get(history, i), path, "an entry of history", ret->history[ret->count++], reterr);
    json_decref(root);
    return r;
}

static int active_path(const char *state_dir, const char *product, char *ret, struct insp_error *reterr) {
    int r = need_product_name(product, reterr);
    return r < 0 ? r : insp_path(ret, reterr, "%s/models/%s/" INSP_ACTIVE_FILE, state_dir, product);
}

static int read_active(const char *state_dir, const char *product, struct active *ret, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    _cleanup_free_ char *text = NULL;
    size_t bytes;
    *ret = (struct active){0};
    int r = active_path(state_dir, product, path, reterr);
    if (r < 0)
        return r;
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return 0;
    r = insp_read_file(path, ACTIVE_BYTES_MAX, &text, &bytes, reterr);
    return r < 0 ? r : parse_active(text, bytes, path, ret, reterr);
}

static int write_active(const char *state_dir, const char *product, const struct active *active,
                        struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = active_path(state_dir, product, path, reterr);
    if (r < 0)
        return r;
    json_t *history = json_array();
    for (size_t i = 0; history && i < active->count; i++)
        if (json_array_append_new(history, json_string(active->history[i])) < 0) {
            json_decref(history);
            history = NULL;
        }
    json_t *root = json_pack("{s:s, s:o}", "active", active->version, "history", history);
    _cleanup_free_ char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    if (!text)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for %s", path);
    return insp_write_file(path, text, strlen(text), FILE_MODE, true, reterr);
}

/* Puts version in front. The history holds each version once, at its latest time, so that going back step by
 * step never loops; the oldest falls out at the end. */
static void push_active(const struct active *old, const char *version, struct active *ret) {
    *ret = (struct active){0};
    snprintf(ret->version, sizeof ret->version, "%s", version);
    if (old->version[0])
        memcpy(ret->history[ret->count++], old->version, INSP_NAME_BYTES);
    for (size_t i = 0; i < old->count && ret->count < HISTORY_MAX; i++)
        if (strcmp(old->history[i], version) != 0 && strcmp(old->history[i], old->version) != 0)
            memcpy(ret->history[ret->count++], old->history[i], INSP_NAME_BYTES);
}

int insp_registry_active(const char *state_dir, const char *product, char *ret_version,
                         struct insp_error *reterr) {
    struct active active;
    int r = read_active(state_dir, product, &active, reterr);
    if (r == 0)
        memcpy(ret_version, active.version, INSP_NAME_BYTES);
    return r;
}

int insp_registry_set_active(const char *state_dir, const char *product, const char *version,
                             struct insp_error *reterr) {
    struct active old = {0}, new;
    char folder[INSP_PATH_BYTES];
    int r = insp_bundle_folder(state_dir, product, version, folder, reterr);
    if (r == 0)
        r = read_active(state_dir, product, &old, reterr);
    if (r < 0 || strcmp(old.version, version) == 0)
        return r;
    push_active(&old, version, &new);
    return write_active(state_dir, product, &new, reterr);
}

/* Finds the place in the history to which a rollback goes. */
static int find_target(const char *state_dir, const char *product, struct active *ret_active, size_t *ret_place,
                       struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    int r = read_active(state_dir, product, ret_active, reterr);
    if (r < 0)
        return r;
    size_t i = 0;
    while (i < ret_active->count &&
           insp_bundle_folder(state_dir, product, ret_active->history[i], folder, NULL) < 0)
        i++; /* was removed */
    if (i == ret_active->count)
        return insp_fail(reterr, INSP_E_CONFLICT, "product %s has no older active model to go back to", product);
    *ret_place = i;
    return 0;
}

int insp_registry_rollback_target(const char *state_dir, const char *product, char *ret_version,
                                  struct insp_error *reterr) {
    struct active active;
    size_t i;
    int r = find_target(state_dir, product, &active, &i, reterr);
    if (r == 0)
        memcpy(ret_version, active.history[i], INSP_NAME_BYTES);
    return r;
}

int insp_registry_set_back(const char *state_dir, const char *product, char *ret_version,
                           struct insp_error *reterr) {
    struct active active;
    size_t i;
    int r = find_target(state_dir, product, &active, &i, reterr);
    if (r < 0)
        return r;
    memcpy(active.version, active.history[i], INSP_NAME_BYTES);
    active.count -= i + 1;
    memmove(active.history, active.history[i + 1], active.count * INSP_NAME_BYTES);
    r = write_active(state_dir, product, &active, reterr);
    if (r == 0)
        memcpy(ret_version, active.version, INSP_NAME_BYTES);
    return r;
}

int insp_registry_save(const char *state_dir, const char *product, char **ret, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    size_t bytes;
    int r = active_path(state_dir, product, path, reterr);
    if (r < 0)
        return r;
    if (access(path, F_OK) < 0 && errno == ENOENT) {
        *ret = NULL;
        return 0;
    }
    return insp_read_file(path, ACTIVE_BYTES_MAX, ret, &bytes, reterr);
}

int insp_registry_restore(const char *state_dir, const char *product, const char *saved,
                          struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = active_path(state_dir, product, path, reterr);
    if (r < 0)
        return r;
    if (saved)
        return insp_write_file(path, saved, strlen(saved), FILE_MODE, true, reterr);
    return unlink(path) < 0 ? insp_fail_errno(reterr, errno, "cannot remove %s", path) : 0;
}

int insp_registry_remove(const char *state_dir, const char *product, const char *version,
                         struct insp_error *reterr) {
    struct active active;
    char folder[INSP_PATH_BYTES], product_folder[INSP_PATH_BYTES], doomed[INSP_PATH_BYTES],
        unique[INSP_UUID_BYTES];
    insp_uuid7(unique);
    int r;
    if ((r = insp_bundle_folder(state_dir, product, version, folder, reterr)) < 0 ||
        (r = insp_path(product_folder, reterr, "%s/models/%s", state_dir, product)) < 0 ||
        (r = insp_path(doomed, reterr, "%s/" INSP_TEMPORARY_PREFIX "%s", product_folder, unique)) < 0 ||
        (r = read_active(state_dir, product, &active, reterr)) < 0)
        return r;
    if (strcmp(active.version, version) == 0)
        return insp_fail(reterr, INSP_E_CONFLICT, "model %s of product %s is active: activate another one first",
                         version, product);
    /* The version disappears in one step; a crash during the removal leaves a temporary for insp_bundle_sweep. */
    if (rename(folder, doomed) < 0)
        return insp_fail_errno(reterr, errno, "cannot remove %s", folder);
    if ((r = insp_fsync_path(product_folder, reterr)) < 0 || (r = insp_remove_tree(doomed, reterr)) < 0)
        return r;
    rmdir(product_folder); /* succeeds only if it is empty */
    return 0;
}

/* --- trunks --- */

/* Reads the default trunk; "" if the file does not exist. */
static int read_default(const char *state_dir, char *ret_sha256, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    _cleanup_free_ char *text = NULL;
    size_t bytes;
    int r = insp_path(path, reterr, "%s/trunks/" INSP_DEFAULT_TRUNK_FILE, state_dir);
    if (r < 0)
        return r;
    if (access(path, F_OK) < 0 && errno == ENOENT) {
        ret_sha256[0] = '\0';
        return 0;
    }
    r = insp_read_file(path, ACTIVE_BYTES_MAX, &text, &bytes, reterr);
    if (r < 0)
        return r;
    if (bytes && text[bytes - 1] == '\n')
        text[bytes - 1] = '\0';
    if (!insp_sha256_hex_valid(text))
        return insp_fail(reterr, INSP_E_MODEL, "%s does not hold the sha256 of a trunk", path);
    memcpy(ret_sha256, text, INSP_SHA256_HEX_BYTES);
    return 0;
}

/* Extracts the digits from "<64 digits>.safetensors". */
static bool trunk_file_name(const char *name, char *ret_sha256) {
    if (strlen(name) < INSP_SHA256_HEX_BYTES - 1 || strcmp(name + INSP_SHA256_HEX_BYTES - 1, ".safetensors") != 0)
        return false;
    memcpy(ret_sha256, name, INSP_SHA256_HEX_BYTES - 1);
    ret_sha256[INSP_SHA256_HEX_BYTES - 1] = '\0';
    return insp_sha256_hex_valid(ret_sha256);
}

static int collect_trunks(DIR *dir, struct insp_trunk_info **list, size_t *count, struct insp_error *reterr) {
    for (const struct dirent *entry; (entry = readdir(dir));) {
        struct insp_trunk_info info = {0};
        struct stat st;
        if (!trunk_file_name(entry->d_name, info.sha256) || fstatat(dirfd(dir), entry->d_name, &st, 0) < 0 ||
            !S_ISREG(st.st_mode))
            continue;
        info.bytes = (uint64_t)st.st_size;
        struct insp_trunk_info *more = realloc(*list, (*count + 1) * sizeof *more);
        if (!more)
            return insp_fail(reterr, INSP_E_NOMEM, "no memory for %zu trunks", *count + 1);
        *list = more;
        more[(*count)++] = info;
    }
    return 0;
}

/* Lists trunks sorted by sha256; leaves is_default unset. */
static int list_trunks(const char *state_dir, struct insp_trunk_info **ret, size_t *ret_count,
                       struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    _cleanup_free_ struct insp_trunk_info *list = NULL;
    size_t count = 0;
    int r = insp_path(folder, reterr, "%s/trunks", state_dir);
    if (r < 0)
        return r;
    DIR *dir = opendir(folder);
    if (!dir && errno != ENOENT)
        return insp_fail_errno(reterr, errno, "cannot list %s", folder);
    if (dir) {
        r = collect_trunks(dir, &list, &count, reterr);
        closedir(dir);
        if (r < 0)
            return r;
    }
    if (count)
        qsort(list, count, sizeof *list, by_name); /* sha256 is the first member */
    *ret = insp_take_ptr(list);
    *ret_count = count;
    return 0;
}

int insp_registry_trunks(const char *state_dir, struct insp_trunk_info **ret, size_t *ret_count,
                         struct insp_error *reterr) {
    char chosen[INSP_SHA256_HEX_BYTES];
    _cleanup_free_ struct insp_trunk_info *list = NULL;
    size_t count;
    int r;
    if ((r = read_default(state_dir, chosen, reterr)) < 0 ||
        (r = list_trunks(state_dir, &list, &count, reterr)) < 0)
        return r;
    for (size_t i = 0; i < count; i++)
        list[i].is_default = chosen[0] ? strcmp(list[i].sha256, chosen) == 0 : count == 1;
    *ret = insp_take_ptr(list);
    *ret_count = count;
    return 0;
}

static int need_trunk(const char *state_dir, const char *sha256, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    if (!insp_sha256_hex_valid(sha256))
        return insp_fail(reterr, INSP_E_NOT_FOUND, "\"%.80s\" is not the sha256 of a trunk", sha256);
    int r = insp_path(path, reterr, "%s/trunks/%s.safetensors", state_dir, sha256);
    if (r == 0 && access(path, R_OK) < 0)
        r = errno == ENOENT ? insp_fail(reterr, INSP_E_NOT_FOUND, "no trunk %s is installed", sha256)
                            : insp_fail_errno(reterr, errno, "cannot read %s", path);
    return r;
}

int insp_registry_set_default_trunk(const char *state_dir, const char *sha256, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES], line[INSP_SHA256_HEX_BYTES + 1];
    int r;
    if ((r = need_trunk(state_dir, sha256, reterr)) < 0 ||
        (r = insp_path(path, reterr, "%s/trunks/" INSP_DEFAULT_TRUNK_FILE, state_dir)) < 0)
        return r;
    snprintf(line, sizeof line, "%s\n", sha256);
    return insp_write_file(path, line, strlen(line), FILE_MODE, true, reterr);
}

int insp_registry_default_trunk(const char *state_dir, char *ret_sha256, struct insp_error *reterr) {
    char chosen[INSP_SHA256_HEX_BYTES];
    _cleanup_free_ struct insp_trunk_info *list = NULL;
    size_t count;
    int r = read_default(state_dir, chosen, reterr);
    if (r < 0)
        return r;
    if (chosen[0]) {
        if ((r = need_trunk(state_dir, chosen, reterr)) < 0)
            insp_error_prefix(reterr, "the default trunk");
    } else if ((r = list_trunks(state_dir, &list, &count, reterr)) == 0) {
        if (count > 1)
            return insp_fail(reterr, INSP_E_CONFLICT, "%zu trunks are installed and none is the default", count);
        if (count == 1)
            memcpy(chosen, list[0].sha256, sizeof chosen);
    }
    if (r == 0)
        memcpy(ret_sha256, chosen, sizeof chosen);
    return r;
}
