#include "core/model/bundle.h"

#include "core/base/fs.h"

#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char state[] = "/tmp/insp-bundle-XXXXXX";

/* Each test is a separate process, so the folder's name is made here and removed at exit. */
static void remove_state(void) {
    insp_remove_tree(state, NULL);
}

static struct insp_tail_buffers *some_tail(void) {
    struct insp_tail_buffers *tail = insp_tail_buffers_new();
    ck_assert_ptr_nonnull(tail);
    insp_tail_init_identity(tail, 7, 1);
    return tail;
}

/* An empty file with the name of a trunk: reading a bundle asks only whether its trunk is there. */
static void place_trunk(const char *sha256) {
    char path[INSP_PATH_BYTES];
    struct insp_error err = {0};
    ck_insp_ok(insp_path(path, &err, "%s/trunks", state), err);
    ck_insp_ok(insp_mkdir_all(path, 0755, &err), err);
    ck_insp_ok(insp_path(path, &err, "%s/trunks/%s.safetensors", state, sha256), err);
    ck_insp_ok(insp_write_file(path, "", 0, 0644, false, &err), err);
}

static struct insp_manifest *some_manifest(const char *version) {
    struct insp_manifest *m = insp_manifest_new();
    ck_assert_ptr_nonnull(m);
    strcpy(m->product, "cubes");
    strcpy(m->version, version);
    memset(m->trunk_sha256, 'a', 64);
    return m;
}

static void begin(void) {
    ck_assert_ptr_nonnull(mkdtemp(state));
    atexit(remove_state);
    char sha256[65] = {0};
    memset(sha256, 'a', 64);
    place_trunk(sha256);
}

/* Number of entries in <state>/<below>, hidden ones too. */
static int entries(const char *below) {
    char path[INSP_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", state, below);
    DIR *dir = opendir(path);
    if (!dir)
        return 0;
    int n = -2;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void damage(const char *below, long offset) {
    char path[INSP_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", state, below);
    FILE *file = fopen(path, "r+b");
    ck_assert_ptr_nonnull(file);
    fseek(file, offset, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, offset, SEEK_SET);
    fputc(byte ^ 1, file);
    fclose(file);
}

START_TEST(test_write_read_update_and_damage) {
    begin();
    struct insp_error err = {0};
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = some_manifest(""), *back = NULL, *again = NULL;
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = some_tail(), *read = NULL;
    ck_insp_ok(insp_bundle_write(state, m, tail, NULL, &err), err);
    ck_assert_uint_eq(strlen(m->version), strlen("20261124T202720Z"));
    ck_assert_int_eq(entries("models/cubes"), 1);
    ck_insp_ok(insp_bundle_read(state, "cubes", m->version, &back, &read, &err), err);
    ck_assert_str_eq(back->weights_sha256, m->weights_sha256);
    ck_assert_int_eq(back->created_us, m->created_us);
    ck_assert_mem_eq(read->conv_weight[2], tail->conv_weight[2], sizeof(float) * 512 * 512 * 9);
    ck_assert_mem_eq(read->classifier_weight, tail->classifier_weight, sizeof(float) * 1024);

    m->threshold = 0.25F;
    ck_insp_ok(insp_bundle_update_manifest(state, m, &err), err);
    ck_insp_ok(insp_bundle_read(state, "cubes", m->version, &again, NULL, &err), err);
    ck_assert_float_eq(again->threshold, 0.25F);
    ck_assert_int_eq(entries("models/cubes"), 1);

    char path[INSP_PATH_BYTES];
    snprintf(path, sizeof path, "models/cubes/%s/model.safetensors", m->version);
    damage(path, 5000000);
    struct insp_manifest *none = NULL;
    ck_insp_code(insp_bundle_read(state, "cubes", m->version, &none, NULL, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, m->weights_sha256)); /* expected and found hash, and the file */
    ck_assert_ptr_nonnull(strstr(err.detail, "has sha256 "));
    ck_assert_ptr_nonnull(strstr(err.detail, "model.safetensors"));
    ck_assert_ptr_null(none);
}
END_TEST

/* A model of which every number differs from its neighbours. */
static struct insp_good_gauss *some_gauss(struct insp_good_only *ret) {
    struct insp_good_gauss *gauss = insp_good_gauss_new();
    float *all = (float *)gauss;
    ck_assert_ptr_nonnull(gauss);
    for (size_t i = 0; i < sizeof *gauss / sizeof(float); i++)
        all[i] = 1 + (float)(i % 1000) * 0.01F;
    *ret = (struct insp_good_only){.images = 40,
                                   .alpha = 0.05,
                                   .scale = {.threshold = 15, .spread = 0.7F, .cold = 8, .warm = 12},
                                   .unlike = 17};
    insp_good_channels(42, ret->channel);
    for (size_t i = 0; i < INSP_GOOD_QUANTILES; i++)
        ret->quantile[i] = 9 + (float)i * 0.05F;
    return gauss;
}

START_TEST(test_a_good_only_model_is_kept_and_checked_as_strictly_as_the_tail) {
    begin();
    struct insp_error err = {0};
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = some_manifest("v1"), *plain = some_manifest("v2"),
                                                        *back = NULL, *none = NULL;
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = some_tail();
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = some_gauss(&m->good_only), *read = NULL;
    ck_insp_ok(insp_bundle_write_parts(
                   state, m, &(struct insp_bundle_parts){.tail = tail, .good = gauss, .memory = NULL}, &err),
               err);
    ck_insp_ok(insp_bundle_read(state, "cubes", "v1", &back, NULL, &err), err);
    ck_assert_uint_eq(back->good_only.images, 40);
    ck_assert_str_eq(back->good_only.sha256, m->good_only.sha256);
    ck_insp_ok(insp_bundle_read_good(state, back, &read, &err), err);
    ck_assert_mem_eq(read, gauss, sizeof *gauss);

    damage("models/cubes/v1/good_only.safetensors", 3000000);
    ck_insp_code(insp_bundle_read(state, "cubes", "v1", &none, NULL, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "good_only.safetensors has sha256"));
    char path[INSP_PATH_BYTES];
    snprintf(path, sizeof path, "%s/models/cubes/v1/good_only.safetensors", state);
    ck_assert_int_eq(unlink(path), 0);
    ck_insp_code(insp_bundle_read(state, "cubes", "v1", &none, NULL, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "is missing"));

    ck_insp_code(insp_bundle_write_parts(
                     state, plain, &(struct insp_bundle_parts){.tail = tail, .good = gauss, .memory = NULL}, &err),
                 INSP_E_MODEL, err);
    plain->good_only = m->good_only; /* a manifest copied from a version that had one, and no model */
    ck_insp_ok(insp_bundle_write(state, plain, tail, NULL, &err), err);
    ck_insp_ok(insp_bundle_read(state, "cubes", "v2", &none, NULL, &err), err);
    ck_assert_uint_eq(none->good_only.images, 0);
    /* Without a tail the good-only model decides; without either there is no model. */
    _cleanup_(insp_manifest_freep) struct insp_manifest *alone = some_manifest("v3"), *empty = some_manifest("v4"),
                                                        *third = NULL;
    struct insp_tail_buffers *no_tail = tail;
    alone->good_only = m->good_only;
    ck_insp_ok(insp_bundle_write_parts(
                   state, alone, &(struct insp_bundle_parts){.tail = NULL, .good = gauss, .memory = NULL}, &err),
               err);
    ck_insp_ok(insp_bundle_read(state, "cubes", "v3", &third, &no_tail, &err), err);
    ck_assert(insp_manifest_good_decides(third) && !no_tail && !insp_manifest_good_decides(back));
    ck_insp_code(insp_bundle_write(state, empty, NULL, NULL, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "the bundle has no model"));
    /* Sums are kept on demand, and checked. */
    struct insp_good_memory memory = {.sums = insp_good_sums_new(),
                                      .score = calloc(1, sizeof(float)),
                                      .sha256 = calloc(1, INSP_SHA256_HEX_BYTES)},
                            kept = {0};
    _cleanup_(insp_manifest_freep) struct insp_manifest *summed = some_manifest("v5");
    memory.sums->count = memory.images = 1;
    memset(memory.sha256[0], 'd', INSP_SHA256_HEX_BYTES - 1);
    summed->good_only = m->good_only;
    ck_insp_code(insp_bundle_read_memory(state, third, &kept, &err), INSP_E_MODEL, err);
    ck_insp_ok(insp_bundle_write_parts(state, summed,
                                       &(struct insp_bundle_parts){.tail = NULL, .good = gauss, .memory = &memory},
                                       &err),
               err);
    ck_insp_ok(insp_bundle_read_memory(state, summed, &kept, &err), err);
    ck_assert_mem_eq(kept.sums, memory.sums, sizeof *memory.sums);
    insp_good_memory_clear(&kept);
    damage("models/cubes/v5/good_sums.safetensors", 9000000);
    ck_insp_code(insp_bundle_read_memory(state, summed, &kept, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "good_sums.safetensors has sha256"));
    insp_good_memory_clear(&memory);
    struct insp_good_gauss *nothing = gauss;
    ck_insp_ok(insp_bundle_read_good(state, none, &nothing, &err), err);
    ck_assert_ptr_null(nothing);
}
END_TEST

START_TEST(test_a_logistic_regression_is_kept_and_checked_as_strictly_as_the_tail) {
    begin();
    struct insp_error err = {0};
    static struct insp_logistic logistic = {.weight = {1, 2, 3}, .bias = 4};
    struct insp_logistic *read = NULL;
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = some_manifest("v1"), *back = NULL, *none = NULL;
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = some_tail();
    const struct insp_bundle_parts parts = {.tail = tail, .logistic = &logistic};
    ck_insp_code(insp_bundle_write_parts(state, m, &parts, &err), INSP_E_MODEL, err); /* no use of it */
    m->logistic.use = INSP_LOGISTIC_AVERAGED;
    ck_insp_ok(insp_bundle_write_parts(state, m, &parts, &err), err);
    ck_insp_ok(insp_bundle_read(state, "cubes", "v1", &back, NULL, &err), err);
    ck_assert_int_eq(back->logistic.use, INSP_LOGISTIC_AVERAGED);
    ck_assert_str_eq(back->logistic.sha256, m->logistic.sha256);
    ck_insp_ok(insp_bundle_read_logistic(state, back, &read, &err), err);
    ck_assert_mem_eq(read, &logistic, sizeof logistic);
    free(read);
    damage("models/cubes/v1/logistic.safetensors", 3000);
    ck_insp_code(insp_bundle_read(state, "cubes", "v1", &none, NULL, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "logistic.safetensors has sha256"));
    char path[INSP_PATH_BYTES];
    snprintf(path, sizeof path, "%s/models/cubes/v1/logistic.safetensors", state);
    ck_assert_int_eq(unlink(path), 0);
    ck_insp_code(insp_bundle_read(state, "cubes", "v1", &none, NULL, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "the logistic regression"));
    /* Without a tail there is no map. */
    _cleanup_(insp_manifest_freep) struct insp_manifest *alone = some_manifest("v2");
    _cleanup_(insp_good_gauss_freep) struct insp_good_gauss *gauss = some_gauss(&alone->good_only);
    const struct insp_bundle_parts without = {.good = gauss, .logistic = &logistic};
    alone->logistic.use = INSP_LOGISTIC_ALONE;
    ck_insp_code(insp_bundle_write_parts(state, alone, &without, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "the tail gives the map"));
}
END_TEST

START_TEST(test_two_in_one_second_and_a_given_version) {
    begin();
    struct insp_error err = {0};
    _cleanup_(insp_manifest_freep) struct insp_manifest *named = some_manifest("v1");
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = some_tail();
    ck_insp_ok(insp_bundle_write(state, named, tail, NULL, &err), err);
    ck_insp_code(insp_bundle_write(state, named, tail, NULL, &err), INSP_E_CONFLICT, err);
    /* Two processes at once: both get a bundle, whatever the second of their clocks. */
    pid_t child[2];
    for (int i = 0; i < 2; i++)
        if ((child[i] = fork()) == 0) {
            struct insp_manifest *mine = some_manifest("");
            _exit(insp_bundle_write(state, mine, tail, NULL, NULL) == 0 ? 0 : 1);
        }
    for (int i = 0; i < 2; i++) {
        int status;
        ck_assert_int_eq(waitpid(child[i], &status, 0), child[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    ck_assert_int_eq(entries("models/cubes"), 3);
}
END_TEST

START_TEST(test_what_is_wrong_is_named) {
    begin();
    struct insp_error err = {0};
    struct insp_manifest *none = NULL;
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = some_manifest("v1");
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = some_tail();
    ck_insp_ok(insp_bundle_write(state, m, tail, NULL, &err), err);
    ck_insp_code(insp_bundle_read(state, "cubes", "v2", &none, NULL, &err), INSP_E_NOT_FOUND, err);
    ck_insp_code(insp_bundle_read(state, "../models/cubes", "v1", &none, NULL, &err), INSP_E_NOT_FOUND, err);
    _cleanup_(insp_manifest_freep) struct insp_manifest *absent = some_manifest("v3");
    ck_insp_code(insp_bundle_update_manifest(state, absent, &err), INSP_E_NOT_FOUND, err);

    char from[INSP_PATH_BYTES], to[INSP_PATH_BYTES];
    snprintf(from, sizeof from, "%s/models/cubes/v1", state);
    snprintf(to, sizeof to, "%s/models/cubes/v9", state);
    ck_assert_int_eq(rename(from, to), 0);
    ck_insp_code(insp_bundle_read(state, "cubes", "v9", &none, NULL, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "version is \"v1\", but the folder says \"v9\""));
    ck_assert_int_eq(rename(to, from), 0);

    snprintf(from, sizeof from, "%s/trunks/%s.safetensors", state, m->trunk_sha256);
    ck_assert_int_eq(unlink(from), 0);
    ck_insp_code(insp_bundle_read(state, "cubes", "v1", &none, NULL, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "trunk"));

    snprintf(from, sizeof from, "%s/models/cubes/v1/manifest.json", state);
    ck_insp_ok(insp_write_file(from, "{}", 2, 0644, false, &err), err);
    ck_insp_code(insp_bundle_read(state, "cubes", "v1", &none, NULL, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "manifest.json: format is missing"));
    ck_assert_int_eq(unlink(from), 0);
    ck_insp_code(insp_bundle_read(state, "cubes", "v1", &none, NULL, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "missing"));
}
END_TEST

START_TEST(test_bad_manifests_are_not_written) {
    begin();
    struct insp_error err = {0};
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = some_tail();
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = some_manifest("");
    m->threshold = 3;
    ck_insp_code(insp_bundle_write(state, m, tail, NULL, &err), INSP_E_MODEL, err);
    ck_assert_str_eq(m->version, ""); /* unchanged */
    ck_assert_str_eq(m->weights_sha256, "");
    strcpy(m->product, "..");
    ck_insp_code(insp_bundle_write(state, m, tail, NULL, &err), INSP_E_PARAMETER, err);
    ck_assert_int_eq(entries("models"), 0);
}
END_TEST

START_TEST(test_a_write_that_fails_leaves_nothing) {
    begin();
    struct insp_error err = {0};
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = some_tail();
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = some_manifest("");
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 20, 1 << 20}), 0);
    ck_insp_code(insp_bundle_write(state, m, tail, NULL, &err), INSP_E_IO, err); /* EFBIG after 1 MiB */
    ck_assert_int_eq(entries("models"), 0);
}
END_TEST

/* A full disk of 2 MB, if the kernel allows a mount. */
START_TEST(test_disk_full_leaves_nothing) {
    begin();
    struct insp_error err = {0};
    _cleanup_(insp_tail_buffers_freep) struct insp_tail_buffers *tail = some_tail();
    _cleanup_(insp_manifest_freep) struct insp_manifest *m = some_manifest("");
    if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", state, "tmpfs", 0, "size=2m") < 0) {
        printf("skipped: no mount of a small tmpfs allowed here: %s\n", strerror(errno));
        return;
    }
    ck_insp_code(insp_bundle_write(state, m, tail, NULL, &err), INSP_E_NOSPACE, err);
    ck_assert_int_eq(entries("models"), 0);
    uint64_t free_bytes, total_bytes;
    ck_insp_ok(insp_disk_free(state, &free_bytes, &total_bytes, &err), err);
    ck_assert_uint_gt(free_bytes, total_bytes - 65536);
    umount(state);
}
END_TEST

START_TEST(test_sweep_takes_temporaries_only) {
    begin();
    static const char *const stays[] = {"models/cubes/v1/manifest.json", "models/cubes/active.json",
                                        "models/.git/config", "trunks/default", "models/cubes/v1/notes.abcdef"};
    static const char *const goes[] = {"models/cubes/.new-abc123/model.safetensors",
                                       "models/cubes/active.json.abcdef", "models/cubes/v1/manifest.json.abcdef",
                                       "trunks/.new-x.abcdef", "trunks/default.abcdef"};
    struct insp_error err = {0};
    char path[INSP_PATH_BYTES];
    for (size_t i = 0; i < 2 * INSP_COUNT(stays); i++) {
        const char *below = i < INSP_COUNT(stays) ? stays[i] : goes[i - INSP_COUNT(stays)];
        snprintf(path, sizeof path, "%s/%s", state, below);
        *strrchr(path, '/') = '\0';
        ck_insp_ok(insp_mkdir_all(path, 0755, &err), err);
        path[strlen(path)] = '/';
        ck_insp_ok(insp_write_file(path, "x", 1, 0644, false, &err), err);
    }
    ck_insp_ok(insp_bundle_sweep(state, &err), err);
    for (size_t i = 0; i < INSP_COUNT(stays); i++) {
        snprintf(path, sizeof path, "%s/%s", state, stays[i]);
        ck_assert_msg(access(path, F_OK) == 0, "%s is gone", path);
        snprintf(path, sizeof path, "%s/%s", state, goes[i]);
        ck_assert_msg(access(path, F_OK) < 0, "%s is still there", path);
    }
    ck_assert_int_eq(entries("models/cubes"), 2);
    snprintf(path, sizeof path, "%s/none", state);
    ck_insp_ok(insp_bundle_sweep(path, &err), err); /* no state folder yet */
}
END_TEST

/* Killed in the middle of the weights by a limit on the size of files. -> its process id */
static pid_t die_while_writing(void) {
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const struct rlimit small = {1 << 20, 1 << 20}, none = {0};
        struct insp_error err;
        struct insp_tail_buffers *tail = some_tail();
        struct insp_manifest *m = some_manifest("");
        signal(SIGXFSZ, SIG_DFL);
        setrlimit(RLIMIT_CORE, &none);
        setrlimit(RLIMIT_FSIZE, &small);
        insp_bundle_write(state, m, tail, NULL, &err);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
    return child;
}

START_TEST(test_what_a_killed_process_left_goes_and_what_others_write_stays) {
    begin();
    struct insp_error err = {0};
    char path[INSP_PATH_BYTES];
    pid_t one = die_while_writing(), other = die_while_writing();
    ck_assert_int_eq(entries("models/cubes"), 2);
    snprintf(path, sizeof path, "%s/models/cubes/.new-1", state);
    ck_insp_ok(insp_mkdir_all(path, 0755, &err), err);
    ck_insp_ok(insp_bundle_sweep_of(state, "cubes", one, &err), err);
    ck_assert_int_eq(entries("models/cubes"), 2);
    ck_insp_ok(insp_bundle_sweep_of(state, "cubes", other, &err), err);
    ck_assert_int_eq(entries("models/cubes"), 1);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_insp_ok(insp_bundle_sweep_of(state, "none", other, &err), err);
}
END_TEST

START_TEST(test_trunk_install_and_open) {
    begin();
    struct insp_error err = {0};
    char first[65], second[65], path[INSP_PATH_BYTES];
    _cleanup_(insp_trunk_arrays_freep) struct insp_trunk_arrays *trunk = insp_trunk_arrays_new(), *back = NULL;
    trunk->weight[9][1234] = 0.5F;
    ck_insp_ok(insp_trunk_install(state, trunk, first, &err), err);
    ck_insp_ok(insp_trunk_install(state, trunk, second, &err), err);
    ck_assert_str_eq(first, second);
    ck_assert_int_eq(entries("trunks"), 2); /* with the one of begin() */
    ck_insp_ok(insp_trunk_open(state, first, &back, &err), err);
    ck_assert_float_eq(back->weight[9][1234], 0.5F);
    struct insp_trunk_arrays *none = NULL;
    memset(second, 'b', 64);
    ck_insp_code(insp_trunk_open(state, second, &none, &err), INSP_E_NOT_FOUND, err);
    ck_insp_code(insp_trunk_open(state, "../../etc/passwd", &none, &err), INSP_E_NOT_FOUND, err);
    snprintf(path, sizeof path, "trunks/%s.safetensors", first);
    damage(path, 4000000);
    ck_insp_code(insp_trunk_open(state, first, &none, &err), INSP_E_MODEL, err);
    ck_assert_ptr_nonnull(strstr(err.detail, "expected"));
}
END_TEST

INSP_TESTS(test_write_read_update_and_damage, test_a_good_only_model_is_kept_and_checked_as_strictly_as_the_tail,
           test_a_logistic_regression_is_kept_and_checked_as_strictly_as_the_tail,
           test_two_in_one_second_and_a_given_version, test_what_is_wrong_is_named,
           test_bad_manifests_are_not_written, test_a_write_that_fails_leaves_nothing,
           test_disk_full_leaves_nothing, test_sweep_takes_temporaries_only,
           test_what_a_killed_process_left_goes_and_what_others_write_stays, test_trunk_install_and_open);
