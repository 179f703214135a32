#include "core/model/bundle.h"

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/uuid.h"
#include "core/model/snapshot/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { FOLDER_MODE = 0755, FILE_MODE = 0644, SAME_SECOND_MAX = 1000 };

static int read_manifest(const char *path, struct insp_manifest **ret, struct insp_error *reterr) {
    _cleanup_free_ char *text = NULL;
    size_t bytes;
    int r = insp_read_file(path, INSP_MANIFEST_BYTES_MAX, &text, &bytes, reterr);
    if (r < 0)
        return r;
    r = insp_manifest_parse(text, bytes, ret, reterr);
    if (r < 0)
        insp_error_prefix(reterr, "%s", path);
    return r;
}

static int write_manifest(const char *folder, const struct insp_manifest *manifest, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    _cleanup_free_ char *text = NULL;
    int r = insp_path(path, reterr, "%s/" INSP_MANIFEST_FILE, folder);
    if (r < 0)
        return r;
    r = insp_manifest_format(manifest, &text, reterr);
    if (r < 0)
        return r;
    return insp_write_file(path, text, strlen(text), FILE_MODE, true, reterr);
}

/* A missing file makes a broken model, not an input/output error. */
static int need_file(const char *path, int code, const char *what, struct insp_error *reterr) {
    struct stat st;
    if (stat(path, &st) == 0)
        return S_ISREG(st.st_mode) ? 0 : insp_fail(reterr, code, "%s %s is not a regular file", what, path);
    if (errno == ENOENT || errno == ENOTDIR)
        return insp_fail(reterr, code, "%s %s is missing", what, path);
    return insp_fail_errno(reterr, errno, "cannot examine %s", path);
}

static int check_hash(const char *path, const char *expected, struct insp_error *reterr) {
    char found[INSP_SHA256_HEX_BYTES];
    int r = insp_sha256_file(path, found, reterr);
    if (r < 0)
        return r;
    if (strcmp(found, expected) != 0)
        return insp_fail(reterr, INSP_E_MODEL,
                         "%s has sha256 %s, expected %s: the file is damaged or was replaced", path, found,
                         expected);
    return 0;
}

/* --- writing --- */

/* Writes the beginning of the names of a process's temporaries. */
static void own_prefix(pid_t pid, char ret[static 32]) {
    snprintf(ret, 32, INSP_TEMPORARY_PREFIX "%d-", (int)pid);
}

/* Makes <state>/models/<product>/.new-PID-XXXXXX. */
static int make_temporary(const char *product_folder, char *ret_folder, struct insp_error *reterr) {
    int r = insp_mkdir_all(product_folder, FOLDER_MODE, reterr);
    if (r < 0)
        return r;
    char prefix[32];
    own_prefix(getpid(), prefix);
    r = insp_path(ret_folder, reterr, "%s/%sXXXXXX", product_folder, prefix);
    if (r < 0)
        return r;
    if (!mkdtemp(ret_folder))
        return insp_fail_errno(reterr, errno, "cannot create a folder in %s", product_folder);
    if (chmod(ret_folder, FOLDER_MODE) < 0)
        return insp_fail_errno(reterr, errno, "cannot set the mode of %s", ret_folder);
    return 0;
}

static int write_weights(const char *folder, const struct insp_tail_buffers *tail, char *ret_sha256,
                         struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = insp_path(path, reterr, "%s/" INSP_WEIGHTS_FILE, folder);
    if (r < 0)
        return r;
    r = insp_tail_write(path, tail, reterr);
    if (r < 0)
        return r;
    return insp_sha256_file(path, ret_sha256, reterr);
}

static int write_good(const char *folder, const struct insp_good_gauss *good,
                      const struct insp_good_memory *memory, struct insp_good_only *ret,
                      struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r;
    ret->sums_sha256[0] = '\0';
    if ((r = insp_path(path, reterr, "%s/" INSP_GOOD_ONLY_FILE, folder)) < 0 ||
        (r = insp_good_gauss_write(path, good, reterr)) < 0 ||
        (r = insp_sha256_file(path, ret->sha256, reterr)) < 0 || !memory)
        return r;
    if ((r = insp_path(path, reterr, "%s/" INSP_GOOD_SUMS_FILE, folder)) < 0 ||
        (r = insp_good_memory_write(path, memory, reterr)) < 0)
        return r;
    return insp_sha256_file(path, ret->sums_sha256, reterr);
}

/* Makes a version: "20261124T202720Z", then "20261124T202720Z-2", "-3"... */
static void make_version(int64_t created_us, int attempt, char *ret) {
    time_t seconds = (time_t)(created_us / 1000000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t n = strftime(ret, INSP_NAME_BYTES, "%Y%m%dT%H%M%SZ", &utc);
    if (attempt > 1)
        snprintf(ret + n, INSP_NAME_BYTES - n, "-%d", attempt);
}

/* Renames the finished folder to its version. rename(2) refuses to replace a folder with content, so of two
 * writers in one second exactly one gets the name and the other tries the next. */
static int publish(const char *temporary, const char *product_folder, struct insp_manifest *manifest, bool named,
                   struct insp_error *reterr) {
    char final[INSP_PATH_BYTES];
    for (int attempt = 1; attempt <= SAME_SECOND_MAX; attempt++) {
        if (!named)
            make_version(manifest->created_us, attempt, manifest->version);
        int r = insp_path(final, reterr, "%s/%s", product_folder, manifest->version);
        if (r < 0 || (r = write_manifest(temporary, manifest, reterr)) < 0)
            return r;
        if (rename(temporary, final) == 0) {
            r = insp_fsync_path(product_folder, reterr);
            if (r < 0)
                insp_remove_tree(final, NULL);
            return r;
        }
        if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
            return insp_fail_errno(reterr, errno, "cannot rename %s to %s", temporary, final);
        if (named)
            break;
    }
    return insp_fail(reterr, INSP_E_CONFLICT, "product %s already has a model %s", manifest->product,
                     manifest->version);
}

static int check_names(const struct insp_manifest *manifest, const char *product_folder,
                       struct insp_error *reterr) {
    char final[INSP_PATH_BYTES];
    if (!insp_name_valid(manifest->product))
        return insp_fail(reterr, INSP_E_PARAMETER, "\"%s\" cannot be the name of a product", manifest->product);
    if (!manifest->version[0])
        return 0;
    if (!insp_name_valid(manifest->version))
        return insp_fail(reterr, INSP_E_PARAMETER, "\"%s\" cannot be the name of a version", manifest->version);
    int r = insp_path(final, reterr, "%s/%s", product_folder, manifest->version);
    if (r < 0)
        return r;
    /* rename checks again; checking here avoids writing 28 MB for nothing. */
    if (access(final, F_OK) == 0)
        return insp_fail(reterr, INSP_E_CONFLICT, "product %s already has a model %s", manifest->product,
                         manifest->version);
    return 0;
}

/* The first bundle also makes the folders above it. */
static int sync_new_folders(const char *state_dir, struct insp_error *reterr) {
    char models[INSP_PATH_BYTES];
    int r = insp_path(models, reterr, "%s/models", state_dir);
    if (r < 0 || (r = insp_fsync_path(models, reterr)) < 0)
        return r;
    return insp_fsync_path(state_dir, reterr);
}

int insp_bundle_write(const char *state_dir, struct insp_manifest *manifest, const struct insp_tail_buffers *tail,
                      const struct insp_golden *golden, struct insp_error *reterr) {
    return insp_bundle_write_good(state_dir, manifest, tail, golden, NULL, NULL, reterr);
}

int insp_bundle_write_good(const char *state_dir, struct insp_manifest *manifest,
                           const struct insp_tail_buffers *tail, const struct insp_golden *golden,
                           const struct insp_good_gauss *good, const struct insp_good_memory *memory,
                           struct insp_error *reterr) {
    char product_folder[INSP_PATH_BYTES], temporary[INSP_PATH_BYTES] = "";
    int r = insp_path(product_folder, reterr, "%s/models/%s", state_dir, manifest->product);
    if (r < 0 || (r = check_names(manifest, product_folder, reterr)) < 0)
        return r;
    if (good && !manifest->good_only.images)
        return insp_fail(reterr, INSP_E_MODEL, "a good-only model for product %s, and no description of it",
                         manifest->product);
    struct insp_manifest written = *manifest; /* borrows the documents */
    written.created_us = insp_wall_us() / 1000 * 1000;
    r = make_temporary(product_folder, temporary, reterr);
    if (r == 0)
        r = sync_new_folders(state_dir, reterr);
    written.weights_sha256[0] = '\0';
    if (r == 0 && tail)
        r = write_weights(temporary, tail, written.weights_sha256, reterr);
    written.golden_sha256[0] = '\0';
    if (r == 0 && golden)
        r = insp_golden_write(temporary, golden, written.golden_sha256, reterr);
    if (!good)
        written.good_only = (struct insp_good_only){0};
    if (r == 0 && good)
        r = write_good(temporary, good, memory, &written.good_only, reterr);
    if (r == 0 && manifest->images)
        r = insp_snapshot_write(temporary, manifest->images, reterr);
    if (r == 0)
        r = publish(temporary, product_folder, &written, manifest->version[0] != '\0', reterr);
    if (r < 0) {
        if (temporary[0])
            insp_remove_tree(temporary, NULL);
        rmdir(product_folder); /* removes it only if this was the product's first bundle */
        return r;
    }
    *manifest = written;
    return 0;
}

int insp_bundle_update_manifest(const char *state_dir, const struct insp_manifest *manifest,
                                struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    int r = insp_bundle_folder(state_dir, manifest->product, manifest->version, folder, reterr);
    return r < 0 ? r : write_manifest(folder, manifest, reterr);
}

/* --- reading --- */

int insp_bundle_folder(const char *state_dir, const char *product, const char *version, char *ret_folder,
                       struct insp_error *reterr) {
    struct stat st;
    if (!insp_name_valid(product) || !insp_name_valid(version))
        return insp_fail(reterr, INSP_E_NOT_FOUND, "there is no model \"%.80s\" of product \"%.80s\"", version,
                         product);
    int r = insp_path(ret_folder, reterr, "%s/models/%s/%s", state_dir, product, version);
    if (r < 0)
        return r;
    if (stat(ret_folder, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return insp_fail(reterr, INSP_E_NOT_FOUND, "product %s has no model %s", product, version);
}

static int check_identity(const struct insp_manifest *manifest, const char *product, const char *version,
                          struct insp_error *reterr) {
    if (strcmp(manifest->product, product) != 0)
        return insp_fail(reterr, INSP_E_MODEL, "product is \"%s\", but the folder says \"%s\"", manifest->product,
                         product);
    if (strcmp(manifest->version, version) != 0)
        return insp_fail(reterr, INSP_E_MODEL, "version is \"%s\", but the folder says \"%s\"", manifest->version,
                         version);
    return 0;
}

int insp_bundle_read_manifest(const char *state_dir, const char *product, const char *version,
                              struct insp_manifest **ret_manifest, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES], path[INSP_PATH_BYTES];
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    int r;
    if ((r = insp_bundle_folder(state_dir, product, version, folder, reterr)) < 0 ||
        (r = insp_path(path, reterr, "%s/" INSP_MANIFEST_FILE, folder)) < 0 ||
        (r = need_file(path, INSP_E_MODEL, "the manifest", reterr)) < 0 ||
        (r = read_manifest(path, &manifest, reterr)) < 0)
        return r;
    r = check_identity(manifest, product, version, reterr);
    if (r < 0) {
        insp_error_prefix(reterr, "%s", path);
        return r;
    }
    *ret_manifest = insp_take_ptr(manifest);
    return 0;
}

/* Checks the hash of the good-only model's file, if the manifest has one. ret_path is its name. */
static int check_good(const char *state_dir, const struct insp_manifest *manifest, char ret_path[INSP_PATH_BYTES],
                      struct insp_error *reterr) {
    int r = insp_path(ret_path, reterr, "%s/models/%s/%s/" INSP_GOOD_ONLY_FILE, state_dir, manifest->product,
                      manifest->version);
    if (r < 0 || !manifest->good_only.images)
        return r;
    r = need_file(ret_path, INSP_E_MODEL, "the good-only model", reterr);
    return r < 0 ? r : check_hash(ret_path, manifest->good_only.sha256, reterr);
}

static int check_weights(const struct insp_manifest *manifest, const char *path, struct insp_error *reterr) {
    if (!manifest->weights_sha256[0])
        return 0;
    int r = need_file(path, INSP_E_MODEL, "the weights file", reterr);
    return r < 0 ? r : check_hash(path, manifest->weights_sha256, reterr);
}

int insp_bundle_read(const char *state_dir, const char *product, const char *version,
                     struct insp_manifest **ret_manifest, struct insp_tail_buffers **ret_tail,
                     struct insp_error *reterr) {
    char weights[INSP_PATH_BYTES], trunk[INSP_PATH_BYTES], good[INSP_PATH_BYTES];
    _cleanup_(insp_manifest_freep) struct insp_manifest *manifest = NULL;
    int r;
    if ((r = insp_bundle_read_manifest(state_dir, product, version, &manifest, reterr)) < 0 ||
        (r = insp_path(weights, reterr, "%s/models/%s/%s/" INSP_WEIGHTS_FILE, state_dir, product, version)) < 0 ||
        (r = insp_path(trunk, reterr, "%s/trunks/%s.safetensors", state_dir, manifest->trunk_sha256)) < 0 ||
        (r = need_file(trunk, INSP_E_MODEL, "the model's trunk", reterr)) < 0 ||
        (r = check_weights(manifest, weights, reterr)) < 0 ||
        (r = check_good(state_dir, manifest, good, reterr)) < 0)
        return r;
    if (ret_tail && !manifest->weights_sha256[0])
        *ret_tail = NULL;
    else if (ret_tail && (r = insp_tail_read(weights, ret_tail, reterr)) < 0)
        return r;
    *ret_manifest = insp_take_ptr(manifest);
    return 0;
}

int insp_bundle_read_golden(const char *state_dir, const struct insp_manifest *manifest, struct insp_golden **ret,
                            struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    if (!manifest->golden_sha256[0]) {
        *ret = NULL;
        return 0;
    }
    int r = insp_bundle_folder(state_dir, manifest->product, manifest->version, folder, reterr);
    return r < 0 ? r : insp_golden_read(folder, manifest->golden_sha256, ret, reterr);
}

int insp_bundle_read_good(const char *state_dir, const struct insp_manifest *manifest,
                          struct insp_good_gauss **ret, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    int r = check_good(state_dir, manifest, path, reterr);
    if (r < 0)
        return r;
    if (!manifest->good_only.images) {
        *ret = NULL;
        return 0;
    }
    return insp_good_gauss_read(path, ret, reterr);
}

int insp_bundle_read_memory(const char *state_dir, const struct insp_manifest *manifest,
                            struct insp_good_memory *ret, struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    const char *sha256 = manifest->good_only.sums_sha256;
    if (!*sha256)
        return insp_fail(reterr, INSP_E_MODEL, "model %s of product %s has no sums of good images",
                         manifest->version, manifest->product);
    int r = insp_path(path, reterr, "%s/models/%s/%s/" INSP_GOOD_SUMS_FILE, state_dir, manifest->product,
                      manifest->version);
    if (r < 0 || (r = need_file(path, INSP_E_MODEL, "the sums of good images", reterr)) < 0 ||
        (r = check_hash(path, sha256, reterr)) < 0)
        return r;
    return insp_good_memory_read(path, ret, reterr);
}

/* --- trunks --- */

int insp_trunk_install(const char *state_dir, const struct insp_trunk_arrays *arrays, char *ret_sha256,
                       struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES], temporary[INSP_PATH_BYTES], final[INSP_PATH_BYTES];
    char sha256[INSP_SHA256_HEX_BYTES], unique[INSP_UUID_BYTES];
    insp_uuid7(unique);
    int r;
    if ((r = insp_path(folder, reterr, "%s/trunks", state_dir)) < 0 ||
        (r = insp_path(temporary, reterr, "%s/" INSP_TEMPORARY_PREFIX "%s", folder, unique)) < 0 ||
        (r = insp_mkdir_all(folder, FOLDER_MODE, reterr)) < 0 || (r = insp_fsync_path(state_dir, reterr)) < 0 ||
        (r = insp_trunk_write(temporary, arrays, reterr)) < 0)
        return r;
    if ((r = insp_sha256_file(temporary, sha256, reterr)) == 0 &&
        (r = insp_path(final, reterr, "%s/%s.safetensors", folder, sha256)) == 0 && rename(temporary, final) < 0)
        r = insp_fail_errno(reterr, errno, "cannot rename %s to %s", temporary, final);
    if (r < 0) {
        unlink(temporary);
        return r;
    }
    r = insp_fsync_path(folder, reterr);
    if (r < 0)
        return r;
    memcpy(ret_sha256, sha256, sizeof sha256);
    return 0;
}

int insp_trunk_open(const char *state_dir, const char *sha256, struct insp_trunk_arrays **ret,
                    struct insp_error *reterr) {
    char path[INSP_PATH_BYTES];
    if (!insp_sha256_hex_valid(sha256))
        return insp_fail(reterr, INSP_E_NOT_FOUND, "\"%.80s\" is not the sha256 of a trunk", sha256);
    int r;
    if ((r = insp_path(path, reterr, "%s/trunks/%s.safetensors", state_dir, sha256)) < 0 ||
        (r = need_file(path, INSP_E_NOT_FOUND, "the trunk", reterr)) < 0 ||
        (r = check_hash(path, sha256, reterr)) < 0)
        return r;
    return insp_trunk_read(path, ret, reterr);
}

int insp_trunk_open_on(struct insp_device *device, const char *state_dir, const char *sha256,
                       struct insp_trunk **ret, struct insp_error *reterr) {
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *arrays = NULL;
    int r = insp_trunk_open(state_dir, sha256, &arrays, reterr);
    if (r < 0)
        return r;
    struct insp_trunk_weights weights = insp_trunk_arrays_view(arrays);
    return insp_trunk_load(device, &weights, ret, reterr);
}

/* --- leftovers of a crash --- */

/* Recognises the temporaries of this file and of registry.c, and those of insp_write_file: "<name>.XXXXXX"
 * beside a file of a bundle. Everything else stays, such as a folder that an administrator put here. */
static bool is_temporary(const char *name) {
    static const char *const target[] = {INSP_MANIFEST_FILE, INSP_ACTIVE_FILE, INSP_DEFAULT_TRUNK_FILE};
    if (strncmp(name, INSP_TEMPORARY_PREFIX, strlen(INSP_TEMPORARY_PREFIX)) == 0)
        return true;
    for (size_t i = 0; i < INSP_COUNT(target); i++) {
        size_t n = strlen(target[i]);
        if (strncmp(name, target[i], n) == 0 && name[n] == '.' && strlen(name) == n + 7)
            return true;
    }
    return false;
}

/* Sweeps a folder and, down to `levels` below it, its subfolders. */
static int sweep_folder(const char *folder, int levels, struct insp_error *reterr) {
    DIR *dir = opendir(folder);
    if (!dir)
        return errno == ENOENT ? 0 : insp_fail_errno(reterr, errno, "cannot list %s", folder);
    int r = 0;
    for (const struct dirent *entry; r == 0 && (entry = readdir(dir));) {
        char path[INSP_PATH_BYTES];
        struct stat st;
        r = insp_path(path, reterr, "%s/%s", folder, entry->d_name);
        if (r < 0)
            break;
        if (is_temporary(entry->d_name))
            r = insp_remove_tree(path, reterr);
        else if (levels > 0 && entry->d_name[0] != '.' && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
            r = sweep_folder(path, levels - 1, reterr);
    }
    closedir(dir);
    return r;
}

int insp_bundle_sweep_of(const char *state_dir, const char *product, pid_t pid, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES], path[INSP_PATH_BYTES], prefix[32];
    own_prefix(pid, prefix);
    int r = insp_path(folder, reterr, "%s/models/%s", state_dir, product);
    if (r < 0)
        return r;
    DIR *dir = opendir(folder);
    if (!dir)
        return errno == ENOENT ? 0 : insp_fail_errno(reterr, errno, "cannot list %s", folder);
    for (const struct dirent *entry; r == 0 && (entry = readdir(dir));)
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
            (r = insp_path(path, reterr, "%s/%s", folder, entry->d_name)) == 0)
            r = insp_remove_tree(path, reterr);
    closedir(dir);
    rmdir(folder); /* removes it only if this would have been the product's first bundle */
    return r;
}

int insp_bundle_sweep(const char *state_dir, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    int r;
    if ((r = insp_path(folder, reterr, "%s/models", state_dir)) < 0 || (r = sweep_folder(folder, 2, reterr)) < 0 ||
        (r = insp_path(folder, reterr, "%s/trunks", state_dir)) < 0)
        return r;
    return sweep_folder(folder, 0, reterr);
}
