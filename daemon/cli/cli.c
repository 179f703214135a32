/* The table of commands and the way from argv to one of them. */
#include "daemon/cli/cli.h"

#include <stdio.h>
#include <string.h>

/* Where a dataset is expected, in three commands' help. */
#define LAYOUT                                                                                                    \
    "DIR is a set in MVTec AD layout, PNG or JPEG, any size:\n"                                                   \
    "  DIR/train/good/*          good parts\n"                                                                    \
    "  DIR/test/good/*           more good parts (may be missing)\n"                                              \
    "  DIR/test/<defect>/*       defective parts, one folder for each type\n"                                     \
    "  DIR/ground_truth/<defect>/<name>_mask.png   where the defect is (may be missing)\n"

static const struct cli_command commands[] = {
    {"serve", "[--config FILE] [-o section.key=value]...", "run the daemon in the foreground",
     "Serves until SIGTERM or SIGINT; a second one ends it at once. SIGHUP reads tokens, active models and\n"
     "thresholds again. With no model trained yet it starts all the same and answers /readyz with 503.\n"
     "The first start writes an admin token to <state_dir>/admin.token.\n"
     "\nSettings, for the file and for -o:\n",
     cli_serve},
    {"check-config", "[--config FILE] [-o ...] [--print | --print-defaults]", "check a configuration",
     "Says whether the configuration is valid, and if not, which line is wrong. --print shows every setting\n"
     "as it takes effect; --print-defaults writes the annotated sample file.\n",
     cli_check_config},
    {"demo-data", "DIR [--images N] [--seed S]", "draw a demo dataset",
     "Draws a woven texture with the defects hole, thread and stain, and their masks, in MVTec AD layout.\n"
     "\n  inspectd demo-data /tmp/carpet --images 160\n",
     cli_demo_data},
    {"train", "--product P --data DIR [options]", "train a model for a product",
     "Trains VGG16's fifth block and a new head on the features of the frozen trunk, evaluates on a held-out\n"
     "part and writes a new version. It is activated if it is better than the active one by balanced accuracy\n"
     "(--activate).\n\n" LAYOUT "\n  inspectd train --product carpet --data /tmp/carpet\n",
     cli_train},
    {"cross-validate", "--product P --data DIR [options]", "estimate how well a product can be inspected",
     "Trains on all folds but one and tests on that one, in turn. Writes no model.\n\n" LAYOUT,
     cli_cross_validate},
    {"evaluate", "--product P --data DIR [--version V] [options]", "test a model on a dataset",
     "Scores every image of the dataset with a trained model and reports how often it was right.\n\n" LAYOUT,
     cli_evaluate},
    {"predict", "--product P FILE... [--json] [--heatmap OUT.png]", "inspect image files",
     "Scores PNG and JPEG files with a product's active model. Works beside a running daemon. With --json one\n"
     "JSON object a line. The exit code says whether all files could be scored, not what the verdicts are.\n"
     "\n  inspectd predict --product carpet part.jpg --heatmap heatmap.png\n",
     cli_predict},
    {"trunk import", "FILE.safetensors", "install VGG16 weights as trunk",
     "Takes VGG16 weights under torchvision's names (features.N.*) or the notebook's (feature_extractor.N.*).\n"
     "ImageNet weights are the recommended trunk. torchvision's file is a pickle; turn it into safetensors with\n"
     "the script that is installed beside this program (it executes nothing of what is in the file):\n"
     "\n  python3 /usr/share/inspectd/convert_pth.py vgg16-397923af.pth vgg16.safetensors\n"
     "  inspectd trunk import vgg16.safetensors\n",
     cli_trunk_import},
    {"trunk bank", "--images DIR [--count N]", "build a trunk from nothing but images",
     "Builds the filter-bank trunk: VGG16's shape with weights in closed form, calibrated on some images of good\n"
     "parts. For sites without access to ImageNet weights, which are better where they can be had.\n"
     "DIR is searched with its sub-folders (of a dataset in MVTec AD layout only train/good).\n",
     cli_trunk_bank},
    {"trunk list", "[--json]", "list installed trunks", "", cli_trunk_list},
    {"model list", "[--product P] [--json]", "list trained models", "", cli_model_list},
    {"model activate", "--product P VERSION", "make a version the active one",
     "Verifies the bundle and has it pass its self-test first. A running daemon is told to load it.\n",
     cli_model_activate},
    {"model rollback", "--product P", "go back to the version that was active before", "", cli_model_rollback},
    {"token add", "NAME ROLE", "make a bearer token and print it",
     "ROLE is camera (post inspections), viewer (read), operator (read and label) or admin (everything).\n"
     "The secret is printed once and stored as a hash.\n",
     cli_token_add},
    {"token list", "[--json]", "list tokens", "", cli_token_list},
    {"token revoke", "NAME", "make a token invalid", "", cli_token_revoke},
    {"version", "", "print versions", "", cli_version},
};

const struct cli_command *cli_commands(size_t *ret_count) {
    *ret_count = sizeof commands / sizeof *commands;
    return commands;
}

static void print_overview(FILE *out) {
    fputs("inspectd inspects images of parts: good or anomaly, and where.\n\n"
          "Usage: inspectd COMMAND [options]\n\n",
          out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-16s %s\n", commands[i].name, commands[i].summary);
    fputs("\nFrom nothing to a verdict:\n"
          "  inspectd demo-data /tmp/carpet\n"
          "  inspectd trunk bank --images /tmp/carpet/train/good\n"
          "  inspectd train --product carpet --data /tmp/carpet\n"
          "  inspectd serve\n"
          "  curl -H 'Content-Type: image/png' --data-binary @part.png \\\n"
          "       'http://127.0.0.1:8080/v1/inspections?product=carpet'\n"
          "\n`inspectd COMMAND --help` tells more. Exit codes: 0 ok, 1 failed, 2 wrong use.\n",
          out);
}

/* Commands have one or two words; *ret_words says how many of argv were taken. */
static const struct cli_command *find_command(int argc, char **argv, int *ret_words) {
    char two[64] = "";
    if (argc > 2)
        snprintf(two, sizeof two, "%s %s", argv[1], argv[2]);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        bool single = !strcmp(argv[1], commands[i].name);
        if (single || !strcmp(two, commands[i].name)) {
            *ret_words = single ? 1 : 2;
            return &commands[i];
        }
    }
    return NULL;
}

/* "trunk" alone, or with a second word that is unknown: names what can follow. */
static bool print_group(const char *word, FILE *out) {
    size_t length = strlen(word);
    bool any = false;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strncmp(commands[i].name, word, length) != 0 || commands[i].name[length] != ' ')
            continue;
        if (!any)
            fprintf(out, "Usage: inspectd %s COMMAND [options]\n\n", word);
        fprintf(out, "  %-16s %s\n", commands[i].name, commands[i].summary);
        any = true;
    }
    return any;
}

static int unknown_command(int argc, char **argv) {
    const char *names[sizeof commands / sizeof *commands];
    bool help = argc > 2 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h"));
    if (print_group(argv[1], help ? stdout : stderr))
        return help ? CLI_OK : CLI_USAGE;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        names[i] = commands[i].name;
    const char *nearest = daemon_nearest(argv[1], names, sizeof names / sizeof *names);
    fprintf(stderr, "inspectd: no command \"%.64s\"%s%s%s; `inspectd --help` lists them\n", argv[1],
            nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    return CLI_USAGE;
}

int cli_main(int argc, char **argv) {
    if (argc < 2) {
        print_overview(stderr);
        return CLI_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_overview(stdout);
        return CLI_OK;
    }
    if (!strcmp(argv[1], "--version")) {
        static char version[] = "version";
        argv[1] = version;
    }
    if (!strcmp(argv[1], "job") && argc == 2) /* not in the table: the daemon starts it, for each job */
        return cli_job();
    int words;
    const struct cli_command *command = find_command(argc, argv, &words);
    if (!command)
        return unknown_command(argc, argv);
    return command->run(command, argc - 1 - words, argv + 1 + words);
}
