/* Runs the jobs of core/train on the command line. Names, ranges and defaults of the parameters are those of the
 * HTTP interface (core/jobs/job_params.h), with dashes instead of underscores. */
#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/jobs/feedback_items.h"
#include "core/jobs/job_params.h"
#include "core/region/field_file.h"
#include "core/report/report_html.h"
#include "core/serving/model_change.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/cli_device.h"
#include "daemon/cli/cli_product.h"
#include "daemon/cli/cli_progress.h"
#include "daemon/cli/cli_report.h"
#include "daemon/serve_config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    KINDS = 3,
    TRAIN = 1 << INSP_JOB_TRAIN,
    FOLDS = 1 << INSP_JOB_CROSS_VALIDATE,
    EVALUATE = 1 << INSP_JOB_EVALUATE
};

/* The parameters. `kinds` is the bit set of the commands that have the parameter. */
static const struct parameter {
    const char *json, *option;
    unsigned kinds;
    const char *value_name, *help;
} parameters[] = {
    {"mode", "mode", TRAIN | FOLDS, "MODE",
     "supervised, good_only (no defects needed), add_good (train), or auto: by the number of defects"},
    {"recipe", "recipe", TRAIN | FOLDS, "NAME",
     "notebook: its recipe exactly: supervised, the tail alone, threshold 0.5, heat by class activation"},
    {"epochs", "epochs", TRAIN | FOLDS, "N", "largest number of passes over the images"},
    {"batch", "batch", TRAIN | FOLDS, "N", "images per mini-batch"},
    {"learning_rate", "learning-rate", TRAIN | FOLDS, "X", "step size of Adam"},
    {"class_weights", "class-weights", TRAIN | FOLDS, "G,A",
     "weights of good and of anomalous images in the loss"},
    {"target_accuracy", "target-accuracy", TRAIN, "X", "stop when an epoch's accuracy exceeds this"},
    {"test_share", "test-share", TRAIN, "X", "share of held-out images"},
    {"folds", "folds", FOLDS, "N", "number of folds"},
    {"seed", "seed", TRAIN | FOLDS, "N", "seed; the same seed gives the same split and model"},
    {"threshold", "threshold", TRAIN | FOLDS, "X",
     "verdict anomaly from this probability on; auto (train): for --max-missed and --max-rejected"},
    {"candidates", "candidates", TRAIN | FOLDS, "YES",
     "true: compare ways to decide (train: with --threshold auto); false: the tail alone"},
    {"input", "input", TRAIN | FOLDS, "HOW", "notebook: pixels as 0..1; imagenet: ImageNet's mean and deviation"},
    {"heat", "heat", TRAIN, "MAP",
     "map to show: class_activation, good_only, product, or auto: the one that locates defects best"},
    {"tiles", "tiles", TRAIN | FOLDS, "CxR",
     "columns and rows of overlapping tiles, for large images and small defects; 1x1: none"},
    {"heatmap_threshold", "heatmap-threshold", TRAIN | FOLDS, "X", "show heat from this value on"},
    {"heatmap_scale", "heatmap-scale", TRAIN | FOLDS, "S", "fixed or per_image"},
    {"max_missed", "max-missed", TRAIN | FOLDS, "X",
     "share of anomalies that the threshold (advised, or auto) may miss"},
    {"max_rejected", "max-rejected", TRAIN | FOLDS, "X",
     "share of good parts that a good-only model, or --threshold auto, may reject"},
    {"activate", "activate", TRAIN, "WHEN", "activate the new version never, if_better or always"},
    {"version", "version", EVALUATE, "V", "version to evaluate (default: the active one)"},
};
enum { PARAMETERS = sizeof parameters / sizeof *parameters, COMMON = 7, HELP_BYTES = 128 };

struct work {
    enum insp_job_kind kind;
    const char *product, *data, *regions, *html;
    bool json, no_cache, skip_unreadable;
    const char *value[PARAMETERS];
    char help[PARAMETERS][HELP_BYTES];
    struct insp_job_params params;
    struct cli_call call;
};

/* Writes the help of a parameter with its default, which is taken from the code and written as a user would type
 * it. */
static void describe(struct work *work, const json_t *defaults, size_t i) {
    _cleanup_free_ char *value =
        json_dumps(json_object_get(defaults, parameters[i].json), JSON_ENCODE_ANY | JSON_REAL_PRECISION(7));
    size_t n = 0;
    for (const char *p = value ? value : ""; *p; p++)
        if (!strchr("\"[] ", *p))
            value[n++] = *p;
    snprintf(work->help[i], HELP_BYTES, "%s%s%.*s%s", parameters[i].help, n ? " (default " : "", (int)n,
             value ? value : "", n ? ")" : "");
}

static size_t build_options(struct work *work, struct cli_option *options) {
    const struct cli_option common[COMMON] = {
        {"product", CLI_STRING, &work->product, 0, 0, "P", "name of the product"},
        {"data", CLI_STRING, &work->data, 0, 0, "DIR", "folder of the dataset"},
        {"skip-unreadable", CLI_FLAG, &work->skip_unreadable, 0, 0, NULL, "leave out unreadable images"},
        {"no-cache", CLI_FLAG, &work->no_cache, 0, 0, NULL, "do not keep the trunk's output for later runs"},
        {"json", CLI_FLAG, &work->json, 0, 0, NULL, "print the report as one JSON document"},
        {"regions", CLI_STRING, &work->regions, 0, 0, "FILE",
         "regions to look at and to ignore, as JSON; train keeps them for the product"},
        {"html", CLI_STRING, &work->html, 0, 0, "FILE", "also write the report as an HTML page with pictures"},
    };
    struct insp_job_params defaults = {.train = insp_train_params_default()};
    json_t *shown = insp_job_params_json(work->kind, &defaults);
    size_t n = 0;
    for (size_t i = 0; i < COMMON; i++)
        options[n++] = common[i];
    for (size_t i = 0; i < PARAMETERS; i++) {
        if (!(parameters[i].kinds & 1U << work->kind))
            continue;
        describe(work, shown, i);
        options[n++] = (struct cli_option){.name = parameters[i].option,
                                           .kind = CLI_STRING,
                                           .target = &work->value[i],
                                           .value_name = parameters[i].value_name,
                                           .help = work->help[i]};
    }
    json_decref(shown);
    return n;
}

/* Converts a value to JSON: a list gets brackets, and text that is not JSON (if_better) becomes a string. */
static json_t *json_of(const char *json_name, const char *value) {
    char list[128];
    bool is_list = !strcmp(json_name, "class_weights");
    snprintf(list, sizeof list, is_list ? "[%s]" : "%s", value);
    json_t *parsed = strcmp(json_name, "version") ? json_loads(list, JSON_DECODE_ANY, NULL) : NULL;
    return parsed ? parsed : json_string(value);
}

static int parse_parameters(struct work *work, struct insp_error *reterr) {
    json_t *object = json_pack("{s:s*, s:b}", "dataset", work->data ? "command-line" : NULL, "skip_unreadable",
                               work->skip_unreadable);
    for (size_t i = 0; object && i < PARAMETERS; i++)
        if (work->value[i])
            json_object_set_new(object, parameters[i].json, json_of(parameters[i].json, work->value[i]));
    int r = insp_job_params_parse(work->kind, object, &work->params, reterr);
    json_decref(object);
    return r;
}

static int run_kind(struct work *work, const struct insp_train_context *context, json_t **ret,
                    struct insp_error *reterr) {
    const struct insp_train_params *train = &work->params.train;
    switch (work->kind) {
    case INSP_JOB_TRAIN:
        return insp_train(context, train, ret, reterr);
    case INSP_JOB_CROSS_VALIDATE:
        return insp_cross_validate(context, train, ret, reterr);
    case INSP_JOB_EVALUATE:
        return insp_evaluate(context, train, *work->params.version ? work->params.version : NULL, ret, reterr);
    case INSP_JOB_TRUNK_BANK:
    case INSP_JOB_TRUNK_FETCH:
        break; /* `inspectd trunk` */
    }
    return insp_fail(reterr, INSP_E_INTERNAL, "no such kind of job");
}

static int activate(void *arg, const char *product, const char *version, struct insp_error *reterr) {
    const struct cli_call *call = arg;
    _cleanup_(insp_store_closep) struct insp_store *store = cli_open_audit(call);
    const struct insp_changer changer = {
        .state_dir = call->settings.storage_state_dir, .store = store, .who = "cli"};
    return insp_change_activate(&changer, product, version, reterr);
}

static bool extends(const struct work *work) {
    return work->params.train.mode == INSP_MODE_ADD_GOOD;
}

/* Says whether the run judges with the regions of a version that exists. */
static bool of_version(const struct work *work) {
    return work->kind == INSP_JOB_EVALUATE || extends(work);
}

/* Reads the regions that the run uses: those of --regions, else those of the product. */
static int read_regions(const struct work *work, struct insp_field_set **ret, struct insp_error *reterr) {
    const char *state_dir = work->call.settings.storage_state_dir;
    if (work->regions)
        return insp_field_file_load(work->regions, ret, reterr);
    return of_version(work) ? 0 : insp_field_file_read(state_dir, work->product, ret, reterr);
}

/* Keeps the regions of a training that has succeeded for the product's next one. */
static int keep_regions(const struct work *work, const struct insp_field_set *fields, struct insp_error *reterr) {
    if (!work->regions || work->kind != INSP_JOB_TRAIN)
        return 0;
    int r = insp_field_file_replace(work->call.settings.storage_state_dir, work->product, fields, reterr);
    if (r < 0)
        insp_error_prefix(reterr, "the version was made, but its regions are not kept for the product");
    return r;
}

static int compute(struct work *work, json_t **ret_report, struct insp_error *reterr) {
    const struct daemon_settings *settings = &work->call.settings;
    struct insp_device_config config = daemon_training_device_config(settings);
    struct cli_progress progress;
    struct cli_device device;
    _cleanup_(insp_feedback_clear) struct insp_feedback feedback = {0};
    _cleanup_(insp_field_set_unrefp) struct insp_field_set *fields = NULL;
    char cache[INSP_PATH_BYTES];
    char version[INSP_NAME_BYTES], trunk_sha256[INSP_SHA256_HEX_BYTES];
    const char *state_dir = settings->storage_state_dir;
    bool trained = of_version(work); /* it uses the model's trunk */
    int r = insp_path(cache, reterr, "%s/cache/features", state_dir);
    if (r == 0)
        r = read_regions(work, &fields, reterr);
    if (r == 0 && trained)
        r = cli_product_version(state_dir, work->product, work->params.version, version, trunk_sha256, reterr);
    if (r == 0)
        r = cli_device_open(&device, &config, state_dir, trained ? trunk_sha256 : NULL, reterr);
    if (r)
        return r;
    if (work->kind != INSP_JOB_CROSS_VALIDATE &&
        (r = insp_feedback_collect_from(state_dir, work->product, &feedback, reterr)) < 0) {
        cli_device_close(&device);
        return r;
    }
    cli_progress_start(&progress, stderr);
    fprintf(stderr, "device: %s\n", insp_device_describe(device.device));
    const struct insp_train_context context = {
        .state_dir = settings->storage_state_dir,
        .product = work->product,
        .dataset_root = work->data,
        .device = device.device,
        .trunk = device.trunk,
        .trunk_sha256 = device.trunk_sha256,
        .cache_folder = work->no_cache ? NULL : cache,
        .cache_bytes_max = settings->training_cache_bytes,
        .cache_half = settings->training_cache_half,
        .limits = daemon_image_limits(settings),
        .fields = fields,
        .feedback = &feedback,
        .progress = cli_progress_hooks(&progress),
        .activate = activate,
        .activate_arg = &work->call,
    };
    r = run_kind(work, &context, ret_report, reterr);
    cli_progress_end(&progress);
    cli_device_close(&device);
    return r < 0 ? r : keep_regions(work, fields, reterr);
}

static void print_report(const struct work *work, const json_t *report) {
    static void (*const print[KINDS])(FILE *, const json_t *) = {
        [INSP_JOB_TRAIN] = cli_report_train,
        [INSP_JOB_CROSS_VALIDATE] = cli_report_cross_validate,
        [INSP_JOB_EVALUATE] = cli_report_evaluate,
    };
    if (work->json) {
        json_dumpf(report, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
        putchar('\n');
    } else {
        print[work->kind](stdout, report);
    }
}

/* Checks before the long work that the report can be written. */
static int check_html(const struct work *work, struct insp_error *reterr) {
    char folder[INSP_PATH_BYTES];
    struct stat st;
    if (!work->html)
        return 0;
    int r = insp_path(folder, reterr, "%s", work->html);
    if (r < 0)
        return r;
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    else
        memcpy(folder, ".", 2);
    if (access(folder, W_OK | X_OK) < 0)
        return insp_fail_errno(reterr, errno, "--html: cannot write to the folder %s", folder);
    if (!*work->html || (stat(work->html, &st) == 0 && !S_ISREG(st.st_mode)))
        return insp_fail(reterr, INSP_E_IO, "--html: \"%s\" is not the name of a file", work->html);
    return 0;
}

static int write_html(const struct work *work, const json_t *report, struct insp_error *reterr) {
    _cleanup_free_ char *html = NULL;
    char subtitle[128], now[INSP_RFC3339_BYTES];
    size_t bytes;
    insp_rfc3339(insp_wall_us(), now);
    snprintf(subtitle, sizeof subtitle, "Written %.19sZ by inspectd " INSP_VERSION, now);
    const struct insp_report_source source = {
        .dataset_root = work->data, .limits = daemon_image_limits(&work->call.settings), .subtitle = subtitle};
    int r = insp_report_html(report, &source, &html, &bytes, reterr);
    return r < 0 ? r : insp_write_file(work->html, html, bytes, 0666 & ~work->call.umask, false, reterr);
}

static int run(enum insp_job_kind kind, const struct cli_command *command, int argc, char **argv) {
    struct work work = {.kind = kind};
    struct cli_option options[COMMON + PARAMETERS];
    struct insp_error error = {0};
    json_t *report = NULL;
    int code;
    size_t count = build_options(&work, options);
    if (!cli_parse(&work.call, command, argc, argv, options, count, 0, 0, &code))
        return code;
    if (!work.product)
        return cli_usage(command, "--product is required");
    if (!insp_name_valid(work.product))
        return cli_usage(command,
                         "--product is \"%.64s\"; a name must have 1 to 64 characters of A-Z a-z 0-9 . _ -",
                         work.product);
    if (parse_parameters(&work, &error) < 0)
        return cli_usage(command, "%s", work.data ? error.detail : "--product and --data are required");
    if (work.regions && (kind == INSP_JOB_EVALUATE || extends(&work)))
        return cli_usage(command, "--regions: a version that exists keeps the regions that it was trained with");
    if (work.html && extends(&work))
        return cli_usage(command, "--html has no page for --mode add_good");
    if (cli_prepare_state(&work.call, &error) < 0 || check_html(&work, &error) < 0 ||
        compute(&work, &report, &error) < 0)
        return cli_fail(command, &error);
    print_report(&work, report);
    code = work.html ? write_html(&work, report, &error) : 0;
    if (kind == INSP_JOB_TRAIN && json_is_true(json_object_get(report, "activated")))
        cli_tell_daemon(&work.call);
    json_decref(report);
    if (code < 0)
        return cli_fail(command, &error);
    return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

int cli_train(const struct cli_command *command, int argc, char **argv) {
    return run(INSP_JOB_TRAIN, command, argc, argv);
}

int cli_cross_validate(const struct cli_command *command, int argc, char **argv) {
    return run(INSP_JOB_CROSS_VALIDATE, command, argc, argv);
}

int cli_evaluate(const struct cli_command *command, int argc, char **argv) {
    return run(INSP_JOB_EVALUATE, command, argc, argv);
}
