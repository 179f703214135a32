#include "daemon/cli/cli.h"

#include <stdio.h>
#include <string.h>

/* Describes a dataset in the help of three commands. */
#define LAYOUT                                                                                                    \
    "DIR is a dataset in MVTec AD layout, with PNG or JPEG images of any size:\n"                                 \
    "  DIR/train/good/*                           good parts\n"                                                   \
    "  DIR/test/good/*                            more good parts (optional)\n"                                   \
    "  DIR/test/<defect>/*                        defective parts, one folder per defect type\n"                  \
    "  DIR/ground_truth/<defect>/<name>_mask.png  masks that mark the defects (optional)\n"

static const struct cli_command commands[] = {
    {"serve", "[--config FILE] [-o section.key=value]...", "run the daemon in the foreground",
     "Runs the daemon until SIGTERM or SIGINT; a second signal ends it at once. SIGHUP makes it read tokens,\n"
     "active models and thresholds again. Without a trained model it starts too, but answers /readyz with 503.\n"
     "The first start writes an admin token to <state_dir>/admin.token.\n"
     "\n  inspectd serve -o server.listen=0.0.0.0:8080 -o storage.state_dir=/srv/inspectd\n"
     "\nSettings, for the configuration file and for -o, with their defaults:\n",
     cli_serve},
    {"check-config", "[--config FILE] [-o ...] [--print | --print-defaults]", "check a configuration",
     "Checks the configuration and names the wrong line. --print shows the value of every setting;\n"
     "--print-defaults prints the annotated sample file.\n"
     "\n  inspectd check-config --config /etc/inspectd/inspectd.conf\n"
     "  inspectd check-config --print-defaults >inspectd.conf\n",
     cli_check_config},
    {"demo-data", "DIR [--images N] [--seed S]", "draw a demo dataset",
     "Draws a woven texture with the defects hole, thread and stain, and their masks, in MVTec AD layout.\n"
     "\n  inspectd demo-data /tmp/carpet --images 160\n",
     cli_demo_data},
    {"train", "--product P --data DIR [options]", "train a model for a product",
     "Trains the last block of VGG16 and a new head on the features of the frozen trunk, evaluates the model on\n"
     "held-out images, and writes it as a new version of the product. The version is activated if its balanced\n"
     "accuracy is better than that of the active version; --activate changes this rule.\n\n"
     "With --mode good_only, no defects are needed: 20 good images or more are enough. An image is an anomaly if "
     "the\n"
     "trunk's early features differ more from those of good parts than good parts differ from one "
     "another.\n\n" LAYOUT "\n  inspectd train --product carpet --data /tmp/carpet --html report.html\n",
     cli_train},
    {"cross-validate", "--product P --data DIR [options]", "estimate how well a product can be inspected",
     "Splits the dataset into folds, trains on all but one and tests on that one, for each fold in turn. Also\n"
     "advises a threshold. Writes no model.\n\n" LAYOUT
     "\n  inspectd cross-validate --product carpet --data /tmp/carpet --folds 5\n",
     cli_cross_validate},
    {"evaluate", "--product P --data DIR [--version V] [options]", "test a model on a dataset",
     "Scores every image of the dataset with a trained model and reports how many verdicts are correct.\n\n" LAYOUT
     "\n  inspectd evaluate --product carpet --data /tmp/carpet --html report.html\n",
     cli_evaluate},
    {"predict", "--product P FILE... [--json] [--heatmap OUT.png]", "inspect image files",
     "Scores PNG and JPEG files with the active model of a product. Can be used while a daemon runs. The exit\n"
     "code tells whether all files could be scored; it does not depend on the verdicts.\n"
     "\n  inspectd predict --product carpet part.jpg --heatmap heatmap.png\n",
     cli_predict},
    {"trunk fetch", "[--url URL | --file FILE]", "download and install the recommended trunk",
     "Downloads torchvision's VGG16 with ImageNet weights (528 MB, once), verifies its published hash, converts "
     "it\n"
     "without executing anything in it, and installs it as the trunk of new trainings. A download that breaks "
     "off\n"
     "is continued by the next attempt. Without a network, carry the file by hand and name it with --file.\n"
     "\n  inspectd trunk fetch\n"
     "  inspectd trunk fetch --file vgg16-397923af.pth\n",
     cli_trunk_fetch},
    {"trunk import", "FILE.safetensors", "install VGG16 weights as trunk",
     "Installs VGG16 weights with torchvision's names (features.N.*) or the notebook's (feature_extractor.N.*).\n"
     "ImageNet weights are the recommended trunk. torchvision's file is a pickle; convert it to safetensors with\n"
     "the installed script, which executes no code from the file:\n"
     "\n  python3 /usr/share/inspectd/convert_pth.py vgg16-397923af.pth vgg16.safetensors\n"
     "  inspectd trunk import vgg16.safetensors\n",
     cli_trunk_import},
    {"trunk bank", "--images DIR [--count N]", "build a trunk from images alone",
     "Builds the filter-bank trunk: the architecture of VGG16 with computed weights, calibrated on images of\n"
     "good parts. It is meant for sites without ImageNet weights, which give better models.\n"
     "DIR is searched with its sub-folders; in a dataset in MVTec AD layout, only train/good is used.\n"
     "\n  inspectd trunk bank --images /tmp/carpet\n",
     cli_trunk_bank},
    {"trunk list", "[--json]", "list installed trunks",
     "Lists the installed trunks by hash and marks the default one, which new trainings use.\n"
     "\n  inspectd trunk list\n",
     cli_trunk_list},
    {"model list", "[--product P] [--json]", "list trained models",
     "Lists the versions of all products, or of one, with their balanced accuracy and threshold.\n"
     "\n  inspectd model list --product carpet\n",
     cli_model_list},
    {"model activate", "--product P VERSION", "make a version the active one",
     "Verifies the bundle, runs its self-test, and makes the version the active one. A running daemon loads it.\n"
     "\n  inspectd model activate --product carpet 20261124T202720Z\n",
     cli_model_activate},
    {"model rollback", "--product P", "reactivate the previously active version",
     "Verifies the previously active version as `model activate` does, and makes it the active one again.\n"
     "A running daemon loads it.\n"
     "\n  inspectd model rollback --product carpet\n",
     cli_model_rollback},
    {"model shadow", "--product P [VERSION | --promote | --end] [options]", "run a version beside the active one",
     "Lets a version judge the same parts as the active one, whose verdicts alone count; shows how far it "
     "agrees;\n"
     "makes it the active one, or ends it. With --parts it becomes active by itself, if it keeps both limits.\n"
     "\n  inspectd model shadow --product carpet 20261124T202720Z --parts 2000 --max-disagreements 4\n"
     "  inspectd model shadow --product carpet\n"
     "  inspectd model shadow --product carpet --promote\n",
     cli_model_shadow},
    {"grab", "--camera ID --product P [options]", "post the frames of a GigE Vision camera",
     "Gets frames from a camera by Aravis (GigE Vision, USB3 Vision) and posts each one to the daemon. Opens the\n"
     "camera again when it was lost, and tells the daemon when it is silent. Each frame ends with a verdict or "
     "is\n"
     "counted as refused; the counts are logged every minute and at the end. Runs until SIGTERM or SIGINT.\n"
     "\n  inspectd grab --camera 192.0.2.20 --name line-3 --product carpet --trigger software\n",
     cli_grab},
    {"token add", "NAME ROLE", "create a bearer token and print it",
     "Creates a bearer token. ROLE is camera (post inspections), viewer (read), operator (read and label) or\n"
     "admin (everything). The secret is printed once and stored only as a hash.\n"
     "\n  inspectd token add line-3 camera\n",
     cli_token_add},
    {"token list", "[--json]", "list tokens",
     "Lists the names, roles and dates of all tokens.\n\n  inspectd token list\n", cli_token_list},
    {"token revoke", "NAME", "revoke a token",
     "Deletes a token; a running daemon refuses it from then on.\n\n  inspectd token revoke line-3\n",
     cli_token_revoke},
    {"version", "", "print versions",
     "Prints the versions of inspectd and of the libraries that it uses.\n\n  inspectd version\n", cli_version},
};

const struct cli_command *cli_commands(size_t *ret_count) {
    *ret_count = sizeof commands / sizeof *commands;
    return commands;
}

static void print_overview(FILE *out) {
    fputs(
        "inspectd inspects images of parts: it tells good parts from anomalies and shows where the anomaly is.\n\n"
        "Usage: inspectd COMMAND [options]\n\n",
        out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-16s %s\n", commands[i].name, commands[i].summary);
    fputs("\nFrom a demo dataset to the first verdict:\n"
          "  inspectd demo-data /tmp/carpet\n"
          "  inspectd trunk bank --images /tmp/carpet/train/good\n"
          "  inspectd train --product carpet --data /tmp/carpet\n"
          "  inspectd serve\n"
          "  curl -H 'Content-Type: image/png' --data-binary @/tmp/carpet/test/hole/000.png \\\n"
          "       'http://127.0.0.1:8080/v1/inspections?product=carpet'\n"
          "\n`inspectd COMMAND --help` explains a command. Exit codes: 0 success, 1 failure, 2 wrong usage.\n",
          out);
}

/* Finds the command named by the first one or two words of argv; *ret_words is their number. */
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

/* Lists the commands that start with `word`, such as "trunk". Returns false if there are none. */
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
    fprintf(stderr, "inspectd: unknown command \"%.64s\"%s%s%s; `inspectd --help` lists all commands\n", argv[1],
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
    if (!strcmp(argv[1], "job") && argc == 2) /* not in the table, because only the daemon starts it */
        return cli_job();
    int words;
    const struct cli_command *command = find_command(argc, argv, &words);
    if (!command)
        return unknown_command(argc, argv);
    return command->run(command, argc - 1 - words, argv + 1 + words);
}
