#include "daemon/cli/cli.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_CONFIG INSP_CONFIG_DIR "/inspectd.conf"
enum { OVERRIDES_MAX = 64, OPTIONS_MAX = 32 };

struct parsing {
    const struct cli_command *command;
    const struct cli_option *options;
    size_t option_count;
    int argc;
    char **argv;
    int at;
    const char *config;
    const char *override[OVERRIDES_MAX];
    size_t override_count;
    bool help;
};

int cli_fail(const struct cli_command *command, const struct insp_error *error) {
    fprintf(stderr, "inspectd: %s: %s\n", command->name, error->detail);
    return CLI_FAILED;
}

int cli_usage(const struct cli_command *command, const char *format, ...) {
    fprintf(stderr, "inspectd: %s: ", command->name);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nUsage: inspectd %s %s\n`inspectd %s --help` explains the command.\n", command->name,
            command->synopsis, command->name);
    return CLI_USAGE;
}

static void print_help(const struct parsing *p) {
    const struct cli_command *command = p->command;
    printf("Usage: inspectd %s %s\n\n", command->name, command->synopsis);
    printf("%s", command->text);
    if (command->run == cli_serve)
        daemon_settings_help(stdout);
    printf("\nOptions:\n");
    for (size_t i = 0; i < p->option_count; i++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", p->options[i].name, p->options[i].value_name ? " " : "",
                 p->options[i].value_name ? p->options[i].value_name : "");
        printf("  %-26s %s\n", left, p->options[i].help);
    }
    printf("  %-26s %s\n", "--config FILE", "read settings from FILE (default " DEFAULT_CONFIG ", if it exists)");
    printf("  %-26s %s\n", "-o section.key=value", "override one setting of the file; can be repeated");
    printf("  %-26s %s\n", "-h, --help", "print this help");
    if (command->run != cli_serve)
        printf("\n`inspectd serve --help` lists the settings. Exit codes: 0 success, 1 failure, 2 wrong usage.\n");
}

static bool take_value(const struct cli_option *option, const char *value) {
    char *end;
    errno = 0;
    if (option->kind == CLI_WHOLE) {
        unsigned long long whole = strtoull(value, &end, 10);
        if (errno || *end || *value < '0' || *value > '9' || (double)whole < option->min ||
            (double)whole > option->max)
            return false;
        *(unsigned long long *)option->target = whole;
    } else if (option->kind == CLI_REAL) {
        double real = strtod(value, &end);
        if (errno || *end || end == value || !isfinite(real) || real < option->min || real > option->max)
            return false;
        *(double *)option->target = real;
    } else {
        *(const char **)option->target = value;
    }
    return true;
}

/* Returns the value after "=" or the next argument; NULL if there is none. */
static const char *value_of(struct parsing *p, const char *inline_value) {
    if (inline_value)
        return inline_value;
    return p->at + 1 < p->argc ? p->argv[++p->at] : NULL;
}

static int unknown_option(const struct parsing *p, const char *name) {
    const char *candidates[OPTIONS_MAX + 2] = {"config", "help"};
    size_t n = 2;
    for (size_t i = 0; i < p->option_count && i < OPTIONS_MAX; i++)
        candidates[n++] = p->options[i].name;
    const char *nearest = daemon_nearest(name, candidates, n);
    return cli_usage(p->command, "unknown option --%.64s%s%s%s", name, nearest ? "; did you mean --" : "",
                     nearest ? nearest : "", nearest ? "?" : "");
}

static int long_option(struct parsing *p, const char *text) {
    char name[64];
    const char *equals = strchr(text, '='), *inline_value = equals ? equals + 1 : NULL;
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    snprintf(name, sizeof name, "%.*s", (int)(length < 63 ? length : 63), text);
    if (!strcmp(name, "help")) {
        p->help = true;
        return CLI_OK;
    }
    if (!strcmp(name, "config")) {
        p->config = value_of(p, inline_value);
        return p->config ? CLI_OK : cli_usage(p->command, "--config needs a file");
    }
    for (size_t i = 0; i < p->option_count; i++) {
        const struct cli_option *option = &p->options[i];
        if (strcmp(option->name, name) != 0)
            continue;
        if (option->kind == CLI_FLAG) {
            *(bool *)option->target = true;
            return inline_value ? cli_usage(p->command, "--%s takes no value", name) : CLI_OK;
        }
        const char *value = value_of(p, inline_value);
        if (!value)
            return cli_usage(p->command, "--%s needs a value (%s)", name, option->value_name);
        if (!take_value(option, value))
            return cli_usage(p->command, "--%s is \"%.64s\"; it must be a %snumber from %.12g to %.12g", name,
                             value, option->kind == CLI_WHOLE ? "whole " : "", option->min, option->max);
        return CLI_OK;
    }
    return unknown_option(p, name);
}

static int short_option(struct parsing *p, const char *text) {
    if (!strcmp(text, "h")) {
        p->help = true;
        return CLI_OK;
    }
    if (text[0] != 'o')
        return cli_usage(p->command, "unknown option -%.16s", text);
    const char *value = value_of(p, text[1] ? text + 1 : NULL);
    if (!value)
        return cli_usage(p->command, "-o needs section.key=value");
    if (p->override_count == OVERRIDES_MAX)
        return cli_usage(p->command, "-o is given more than %d times", OVERRIDES_MAX);
    p->override[p->override_count++] = value;
    return CLI_OK;
}

static int load_settings(const struct parsing *p, struct daemon_settings *settings) {
    struct insp_error error = {0};
    const char *config = p->config;
    if (!config && access(DEFAULT_CONFIG, F_OK) == 0)
        config = DEFAULT_CONFIG;
    daemon_settings_default(settings);
    if (config && daemon_settings_read(settings, config, &error) < 0)
        return cli_fail(p->command, &error);
    for (size_t i = 0; i < p->override_count; i++)
        if (daemon_settings_override(settings, p->override[i], &error) < 0)
            return cli_usage(p->command, "-o %s", error.detail);
    if (daemon_settings_resolve(settings, &error) < 0)
        return cli_fail(p->command, &error);
    return CLI_OK;
}

/* Handles the options and moves all other arguments to the front of argv. */
static int walk(struct parsing *p, int *ret_count) {
    int count = 0;
    bool only_arguments = false;
    for (p->at = 0; p->at < p->argc; p->at++) {
        char *word = p->argv[p->at];
        int r = CLI_OK;
        if (only_arguments || word[0] != '-' || !word[1])
            p->argv[count++] = word;
        else if (!strcmp(word, "--"))
            only_arguments = true;
        else
            r = word[1] == '-' ? long_option(p, word + 2) : short_option(p, word + 1);
        if (r != CLI_OK)
            return r;
    }
    *ret_count = count;
    return CLI_OK;
}

bool cli_parse(struct cli_call *call, const struct cli_command *command, int argc, char **argv,
               const struct cli_option *options, size_t option_count, int min, int max, int *ret_exit) {
    struct parsing p = {
        .command = command, .options = options, .option_count = option_count, .argc = argc, .argv = argv};
    *ret_exit = walk(&p, &call->count);
    if (*ret_exit == CLI_OK && p.help) {
        print_help(&p);
        return false;
    }
    if (*ret_exit != CLI_OK)
        return false;
    if (call->count < min || call->count > max) {
        *ret_exit = call->count > max ? cli_usage(command, "unexpected argument \"%.64s\"", argv[max])
                                      : cli_usage(command, "an argument is missing");
        return false;
    }
    call->command = command;
    call->argument = argv;
    call->umask = umask(0077); /* setting the umask is the only way to read it */
    umask(call->umask);
    *ret_exit = load_settings(&p, &call->settings);
    return *ret_exit == CLI_OK;
}
