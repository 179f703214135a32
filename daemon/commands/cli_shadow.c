#include "core/base/cleanup.h"
#include "core/base/clock.h"
#include "core/serving/model_change.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/cli_product.h"
#include "daemon/cli/cli_prove.h"

#include <stdio.h>
#include <string.h>

/* A parsed call. */
struct shadowing {
    const char *product, *version; /* version: to run as the shadow; NULL */
    bool end, promote, json;
    unsigned long long parts, max_disagreements, max_missed; /* the rule; parts 0: none */
};

static int read_counts(const struct cli_call *call, const struct insp_shadow_run *run,
                       struct insp_shadow_counts *ret, struct insp_error *reterr) {
    _cleanup_(insp_store_closep) struct insp_store *store = NULL;
    int r = insp_store_open(call->settings.storage_state_dir, INSP_DURABLE_PROCESS, &store, reterr);
    return r < 0 ? r : insp_store_shadow_counts(store, run, ret, reterr);
}

static json_t *shadow_json(const struct shadowing *s, const struct insp_shadow_choice *choice,
                           const struct insp_shadow_counts *c) {
    static const char *const outcome[] = {NULL, "stays", "failed"};
    char since[INSP_RFC3339_BYTES];
    if (!*choice->version)
        return json_pack("{s:s, s:n}", "product", s->product, "shadow");
    insp_rfc3339(choice->since_us, since);
    return json_pack("{s:s, s:{s:s, s:s, s:s, s:o, s:s?, s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}}}", "product",
                     s->product, "shadow", "version", choice->version, "since", since, "by", choice->by, "rule",
                     insp_shadow_rule_json(&choice->rule), "outcome",
                     c->outcome < INSP_COUNT(outcome) ? outcome[c->outcome] : NULL, "counts", "parts",
                     (json_int_t)c->parts, "agree", (json_int_t)c->agree, "disagree",
                     (json_int_t)(c->parts - c->agree), "missed", (json_int_t)c->missed, "rejected",
                     (json_int_t)c->rejected, "skipped", (json_int_t)c->skipped, "failed", (json_int_t)c->failed,
                     "lost", (json_int_t)c->lost);
}

static void print_shadow(const struct shadowing *s, const struct insp_shadow_choice *choice,
                         const struct insp_shadow_counts *c) {
    static const char *const outcome[] = {"has not decided yet", "was not met",
                                          "was met, but it could not become active"};
    char since[INSP_RFC3339_BYTES];
    if (!*choice->version) {
        printf("%s has no shadow\n", s->product);
        return;
    }
    insp_rfc3339(choice->since_us, since);
    printf("%s %s runs as the shadow since %s, begun by %s\n", s->product, choice->version, since, choice->by);
    printf("%llu parts compared: %llu alike, %llu that it would have missed, %llu that it would have rejected\n",
           (unsigned long long)c->parts, (unsigned long long)c->agree, (unsigned long long)c->missed,
           (unsigned long long)c->rejected);
    if (c->skipped || c->failed || c->lost)
        printf("not compared: %llu for want of time, %llu because it failed, %llu that could not be stored\n",
               (unsigned long long)c->skipped, (unsigned long long)c->failed, (unsigned long long)c->lost);
    if (choice->rule.on)
        printf("rule: active after %llu parts with at most %llu disagreements, %llu missed; it %s\n",
               (unsigned long long)choice->rule.parts, (unsigned long long)choice->rule.max_disagreements,
               (unsigned long long)choice->rule.max_missed,
               c->outcome < INSP_COUNT(outcome) ? outcome[c->outcome] : "is over");
}

static int show(const struct cli_call *call, const struct shadowing *s, const struct insp_shadow_choice *choice) {
    const struct insp_shadow_run run = insp_shadow_run_of(s->product, choice);
    struct insp_shadow_counts counts = {0};
    struct insp_error error = {0};
    if (*choice->version && (cli_prepare_state(call, &error) < 0 || read_counts(call, &run, &counts, &error) < 0))
        return cli_fail(call->command, &error);
    if (s->json)
        return cli_print_json(call->command, shadow_json(s, choice, &counts));
    print_shadow(s, choice, &counts);
    return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

/* Ends the shadow, also a damaged one; ret_version is "" then. It must work when a version cannot be read. */
static int end(const struct cli_call *call, const struct shadowing *s, char ret_version[INSP_NAME_BYTES],
               struct insp_error *reterr) {
    const char *state_dir = call->settings.storage_state_dir;
    const struct insp_shadow_choice none = {0};
    struct insp_shadow_choice present = {0};
    int r = insp_shadow_read(state_dir, s->product, &present, reterr);
    if (r == 0 && !*present.version)
        r = insp_fail(reterr, INSP_E_NOT_FOUND, "%s has no shadow", s->product);
    if (r == INSP_E_NOT_FOUND) /* or no valid name */
        return r;
    memcpy(ret_version, r == 0 ? present.version : none.version, INSP_NAME_BYTES);
    r = cli_prepare_state(call, reterr);
    if (r < 0)
        return r;
    _cleanup_(insp_store_closep) struct insp_store *store = cli_open_audit(call);
    const struct insp_changer changer = {.state_dir = state_dir, .store = store, .who = "cli"};
    return insp_change_shadow(&changer, s->product, &none, reterr);
}

/* Begins or promotes; ret_version is the version that it concerns. */
static int change(const struct cli_call *call, const struct shadowing *s, const struct insp_shadow_choice *present,
                  char ret_version[INSP_NAME_BYTES], struct insp_error *reterr) {
    const char *state_dir = call->settings.storage_state_dir;
    const char *asked = s->version ? s->version : present->version;
    struct insp_shadow_choice choice = {.rule = {s->parts > 0, s->parts, s->max_disagreements, s->max_missed}};
    char trunk_sha256[INSP_SHA256_HEX_BYTES];
    struct cli_proof proof = {call, trunk_sha256};
    int r =
        s->version || *present->version ? 0 : insp_fail(reterr, INSP_E_NOT_FOUND, "%s has no shadow", s->product);
    if (r == 0)
        r = cli_product_version(state_dir, s->product, asked, ret_version, trunk_sha256, reterr);
    if (r == 0)
        r = cli_prepare_state(call, reterr);
    if (r < 0)
        return r;
    _cleanup_(insp_store_closep) struct insp_store *store = cli_open_audit(call);
    const struct insp_changer changer = {
        .state_dir = state_dir, .store = store, .who = "cli", .prove = cli_prove, .arg = &proof};
    if (s->promote)
        return insp_change_promote(&changer, s->product, ret_version, reterr);
    if (s->version)
        memcpy(choice.version, ret_version, sizeof choice.version);
    return insp_change_shadow(&changer, s->product, &choice, reterr);
}

int cli_model_shadow(const struct cli_command *command, int argc, char **argv) {
    struct shadowing s = {0};
    const struct cli_option options[] = {
        {"product", CLI_STRING, &s.product, 0, 0, "P", "name of the product"},
        {"promote", CLI_FLAG, &s.promote, 0, 0, NULL, "make the shadow the active version"},
        {"end", CLI_FLAG, &s.end, 0, 0, NULL, "end the shadow"},
        {"parts", CLI_WHOLE, &s.parts, 1, 1e9, "N", "it becomes active by itself after N parts"},
        {"max-disagreements", CLI_WHOLE, &s.max_disagreements, 0, 1e9, "N", "if at most N verdicts differ (0)"},
        {"max-missed", CLI_WHOLE, &s.max_missed, 0, 1e9, "N", "and it passes at most N rejected parts (0)"},
        {"json", CLI_FLAG, &s.json, 0, 0, NULL, "print the shadow as JSON"},
    };
    struct insp_shadow_choice present;
    char version[INSP_NAME_BYTES], trunk_sha256[INSP_SHA256_HEX_BYTES];
    struct insp_error error = {0};
    struct cli_call call;
    int code;
    if (!cli_parse(&call, command, argc, argv, options, INSP_COUNT(options), 0, 1, &code))
        return code;
    s.version = call.count ? call.argument[0] : NULL;
    if (!s.product)
        return cli_usage(command, "--product is required");
    if (s.promote + s.end + (s.version != NULL) > 1)
        return cli_usage(command, "VERSION, --promote and --end exclude each other");
    if ((s.max_disagreements || s.max_missed || (s.parts && !s.version)) && !(s.parts && s.version))
        return cli_usage(command, "a rule is for a VERSION, and needs --parts");
    if (s.end) {
        if (end(&call, &s, version, &error) < 0)
            return cli_fail(command, &error);
        if (*version)
            printf("%s %s is no longer the shadow\n", s.product, version);
        else
            printf("%s has no shadow any more\n", s.product);
        cli_tell_daemon(&call);
        return CLI_OK;
    }
    /* The first call is for its error, which lists the products. */
    if (cli_product_version(call.settings.storage_state_dir, s.product, NULL, version, trunk_sha256, &error) < 0 ||
        insp_shadow_read(call.settings.storage_state_dir, s.product, &present, &error) < 0)
        return cli_fail(command, &error);
    if (!s.version && !s.promote)
        return show(&call, &s, &present);
    if (change(&call, &s, &present, version, &error) < 0)
        return cli_fail(command, &error);
    printf("%s %s %s\n", s.product, version, s.promote ? "is active" : "runs as the shadow");
    cli_tell_daemon(&call);
    return CLI_OK;
}
