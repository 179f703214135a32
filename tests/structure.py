#!/usr/bin/env python3
"""The house rules that a compiler does not see. Usage: structure.py ROOT. Exit 0 when all hold. test_structure.py
proves that each rule finds what it is for.

1. Dependency direction daemon -> api -> core, and inside core/ in the order of LAYERS.
2. No circle of files: a file is a source with the header of its name, and it imports what either of them includes.
3. No source or header above LINES_MAX, no function above FUNCTION_LINES_MAX, no folder above FILES_MAX.
4. Every source file has its tests/unit/test_<file>.c, or a line in COVERED_ELSEWHERE that says what covers it.
5. Every header compiles alone.
6. No word of FORBIDDEN, and each call of ONLY_IN in its one file.
7. The first line of a file that names it, and a header's guard, have its path.
8. No parameter's row in a comment is drawn into the paragraph before.
9. No log line quotes a text by hand (a quote inside it would end the field): INSP_LOG_QUOTED does.
10. In the folders of PLAIN_ENGLISH headers begin with their path and a verb; no comment has a subject without a noun or
   a word of PRIVATE_WORDS.
"""
import collections
import pathlib
import re
import subprocess
import sys

LINES_MAX, FUNCTION_LINES_MAX, FILES_MAX = 500, 60, 24

LAYERS = ["base", "image", "region", "compute", "good_only", "model", "store", "heat", "inspect", "line", "serving", "dataset", "judge",
          "train", "report", "jobs"]

# source -> what drives it instead of a unit test of its own
COVERED_ELSEWHERE = {
    "core/model/bundle_sweep.c": "tests/unit/test_bundle.c",
    "core/train/candidates/candidate_models.c": "tests/unit/test_out_of_fold.c",
    "core/train/folds/fold_scores.c": "tests/unit/test_cross_validate.c",
    "core/train/heat/heat_choose.c": "tests/unit/test_good_training.c",
    "api/access/gate.c": "tests/fault/test_foreign_pages.py",
    "api/listen/certificate.c": "tests/http/test_tls.py",
    "api/server/connection.c": "tests/http/test_bad_input.py",
    "api/resources/datasets.c": "tests/http/test_dataset.py",
    "api/resources/datasets_list.c": "tests/http/test_dataset.py",
    "api/resources/datasets_edit.c": "tests/http/test_dataset_changes.py",
    "core/dataset/trash/trash.c": "tests/unit/test_dataset_change.c",
    "core/dataset/dataset_name.c": "tests/http/test_dataset_changes.py",
    "core/jobs/dataset_sets.c": "tests/http/test_dataset_changes.py",
    "api/watch/events_get.c": "tests/http/test_events.py",
    "core/compute/train_head.c": "tests/unit/test_train_cpu.c",
    "api/watch/late_refusal.c": "tests/fault/test_slow_clients.py",
    "api/inspections/export.c": "tests/http/test_export.py",
    "api/watch/housekeeping.c": "tests/http/test_housekeeping.py",
    "api/inspections/inspections_get.c": "tests/http/test_inspections.py",
    "api/inspections/inspections_post.c": "tests/http/test_inspections.py",
    "api/resources/job_requests.c": "tests/http/test_jobs.py",
    "api/resources/job_report.c": "tests/http/test_jobs.py",
    "api/inspections/poll.c": "tests/http/test_poll.py",
    "api/watch/overtake.c": "tests/http/test_poll.py, tests/http/test_events.py",
    "api/inspections/publish.c": "tests/http/test_events.py",
    "api/kserve/infer.c": "tests/http/test_kserve.py",
    "api/kserve/kserve_models.c": "tests/http/test_kserve.py",
    "api/modbus/modbus.c": "tests/http/test_modbus.py",
    "api/modbus/modbus_client.c": "tests/http/test_modbus.py",
    "api/modbus/modbus_metrics.c": "tests/http/test_modbus.py",
    "api/modbus/modbus_sink.c": "tests/http/test_modbus.py",
    "api/server/deadline.c": "tests/http/test_overload.py",
    "api/inspections/labels.c": "tests/http/test_contract.py",
    "core/serving/model_loader.c": "tests/http/test_models.py",
    "core/model/heat/manifest_tiles.c": "tests/unit/test_manifest.c",
    "core/inspect/engine_trunk.c": "tests/http/test_models.py",
    "core/inspect/score.c": "tests/unit/test_engine.c",
    "core/inspect/opinion.c": "tests/unit/test_engine.c, tests/http/test_shadow.py",
    "api/resources/model_patch.c": "tests/http/test_thresholds.py",
    "api/resources/models_admin.c": "tests/http/test_models.py",
    "api/resources/ops.c": "tests/http/test_models.py",
    "api/inspections/pictures.c": "tests/http/test_inspections.py",
    "api/resources/products.c": "tests/http/test_contract.py",
    "api/server/reload.c": "tests/http/test_tls.py",
    "api/server/request_log.c": "tests/fault/test_connections.py",
    "api/server/server.c": "tests/http/test_operations.py",
    "api/server/cut.c": "tests/fault/test_slow_clients.py",
    "api/server/direct.c": "tests/fault/test_error_pages.py",
    "api/server/slots.c": "tests/fault/test_slow_clients.py",
    "api/server/start.c": "tests/http/test_operations.py",
    "api/server/status.c": "tests/http/test_operations.py",
    "api/server/sweep.c": "tests/fault/test_slow_clients.py",
    "api/inspections/statistics.c": "tests/http/test_contract.py",
    "api/inspections/drift_get.c": "tests/http/test_drift.py",
    "api/shadow/shadow_requests.c": "tests/http/test_shadow.py",
    "api/shadow/shadow_metrics.c": "tests/http/test_shadow.py",
    "api/watch/drift_watch.c": "tests/http/test_drift.py",
    "api/watch/drift_metrics.c": "tests/http/test_drift.py",
    "api/sinks/mqtt.c": "tests/http/test_mqtt.py",
    "api/sinks/mqtt_client.c": "tests/http/test_mqtt.py",
    "api/sinks/mqtt_commands.c": "tests/http/test_mqtt.py",
    "api/sinks/mqtt_link.c": "tests/http/test_mqtt.py",
    "api/sinks/mqtt_notes.c": "tests/http/test_mqtt.py",
    "api/sinks/sinks.c": "tests/http/test_mqtt.py",
    "api/sinks/sinks_get.c": "tests/http/test_mqtt.py",
    "api/sinks/curl_loop.c": "tests/http/test_webhook.py",
    "api/sinks/webhook.c": "tests/http/test_webhook.py",
    "api/sinks/webhook_call.c": "tests/http/test_webhook.py",
    "api/sparkplug/sparkplug.c": "tests/http/test_sparkplug.py",
    "api/sources/folder.c": "tests/http/test_watch.py",
    "api/sources/folder_finish.c": "tests/http/test_watch.py",
    "api/sources/folder_read.c": "tests/http/test_watch.py",
    "api/sources/folder_scan.c": "tests/http/test_watch.py",
    "api/sources/folder_turn.c": "tests/http/test_watch.py",
    "api/sources/sources_get.c": "tests/http/test_watch.py",
    "api/cameras/cameras.c": "tests/http/test_cameras.py",
    "api/cameras/cameras_get.c": "tests/http/test_cameras.py",
    "api/cameras/camera_report.c": "tests/http/test_cameras.py",
    "api/cameras/camera_trigger.c": "tests/http/test_cameras.py",
    "api/server/stop.c": "tests/http/test_overload.py",
    "core/image/decode/decode.c": "tests/unit/test_image.c",
    "core/judge/judgement_json.c": "tests/unit/test_judgement.c",
    "core/train/promotion.c": "tests/unit/test_training.c",
    "core/train/good/good_judge.c": "tests/unit/test_good_training.c, tests/unit/test_good_validate.c",
    "core/train/good/score_files.c": "tests/unit/test_good_training.c, tests/unit/test_golden_pick.c",
    "core/jobs/process/job_child.c": "tests/unit/test_job_process.c",
    "core/train/features/image_slots.c": "tests/unit/test_feature_cache.c, tests/unit/test_good_model.c",
    "core/compute/packed.c": "tests/unit/test_device.c",
    "core/compute/torch/cpu.cpp": "tests/unit/test_device.c, tests/parity",
    "core/compute/torch/graph.cpp": "tests/gpu/test_forward.py",
    "core/compute/torch/layers.cpp": "tests/unit/test_device.c, tests/parity",
    "core/compute/torch/precision.cpp": "tests/gpu/test_forward.py",
    "core/compute/torch/later.c": "tests/cli/test_torch.py",
    "core/compute/torch/network.cpp": "tests/unit/test_device.c, tests/parity",
    "core/compute/torch/open.cpp": "tests/unit/test_device.c",
    "core/compute/torch/pass.cpp": "tests/unit/test_device.c",
    "core/compute/torch/trainer.cpp": "tests/unit/test_device.c, tests/parity",
    "core/compute/torch/cuda.cpp": "tests/gpu",
    "daemon/main.c": "every test that starts the binary",
    "daemon/cli/cli.c": "tests/cli/test_usage.py",
    "daemon/commands/cli_config.c": "tests/cli/test_usage.py",
    "daemon/commands/cli_demo.c": "tests/cli/test_models.py",
    "daemon/cli/cli_device.c": "tests/cli/test_models.py",
    "daemon/commands/cli_job.c": "tests/http/test_jobs.py",
    "daemon/commands/cli_model.c": "tests/cli/test_models.py",
    "daemon/commands/cli_shadow.c": "tests/cli/test_models.py",
    "daemon/cli/cli_prove.c": "tests/cli/test_models.py",
    "daemon/commands/cli_predict.c": "tests/cli/test_models.py",
    "daemon/cli/cli_print.c": "tests/cli/test_models.py",
    "daemon/cli/cli_product.c": "tests/cli/test_models.py",
    "daemon/cli/cli_trunk_install.c": "tests/cli/test_fetch.py",
    "daemon/cli/cli_state.c": "tests/cli/test_serve.py",
    "daemon/commands/cli_grab.c": "tests/http/test_grab.py",
    **{f"daemon/grab/{name}.c": "tests/http/test_grab.py"
       for name in ("grab", "grab_camera", "grab_http", "grab_main", "grab_poster", "grab_report")},
    "daemon/commands/cli_token.c": "tests/cli/test_serve.py",
    "daemon/commands/cli_train.c": "tests/cli/test_models.py",
    "daemon/commands/cli_trunk.c": "tests/cli/test_models.py",
    "daemon/commands/cli_fetch.c": "tests/cli/test_fetch.py",
    "core/model/fetch/download.c": "tests/cli/test_fetch.py",
    "core/model/fetch/trunk_fetch.c": "tests/cli/test_fetch.py, tests/http/test_trunks.py",
    "core/model/fetch/trunk_origin.c": "tests/cli/test_models.py, tests/http/test_trunks.py",
    "core/train/trunk_bank.c": "tests/http/test_trunks.py",
    "api/resources/model_images.c": "tests/http/test_snapshots.py",
    "core/model/snapshot/snapshot.c": "tests/http/test_snapshots.py",
    "api/resources/trunks.c": "tests/http/test_trunks.py",
    "core/model/pth/pth.c": "tests/cli/test_fetch.py",
    "daemon/settings_check.c": "tests/unit/test_settings_file.c",
    "daemon/serve.c": "tests/cli/test_serve.py",
}


def rank(path):
    """Position in the house: a file may include files of its own rank or below."""
    top = path.parts[0]
    if top == "core":
        return LAYERS.index(path.parts[1])
    return {"api": 100, "daemon": 200}[top]


def sources(root):
    for top in ("core", "api", "daemon"):
        for suffix in ("*.c", "*.h", "*.cpp", "*.hpp"):
            yield from (p.relative_to(root) for p in (root / top).rglob(suffix))


def includes(root, path):
    return re.findall(r'^\s*#\s*include\s+"([^"]+)"', (root / path).read_text(), re.M)


def direction_faults(root):
    for path in sources(root):
        for include in includes(root, path):
            target = pathlib.Path(include)
            if target.parts[0] not in ("core", "api", "daemon"):
                if (root / path.parent / target).exists():
                    yield f"{path}: include \"{include}\" from the root: \"{path.parent / target}\""
                continue
            if not (root / target).exists():
                yield f"{path}: includes {include}, which is not there"
            elif rank(target) > rank(path):
                yield f"{path}: includes {include}, against the direction daemon -> api -> core ({' -> '.join(reversed(LAYERS))})"


def find_circle(imports):
    """The files of a circle in their order, the first once more at the end; None where there is none."""
    done = set()
    for start in sorted(imports):
        way, stack = [], [(start, iter(sorted(imports[start])))]
        way.append(start)
        while stack:
            name, rest = stack[-1]
            target = next((t for t in rest if t not in done), None)
            if target is None:
                stack.pop()
                done.add(way.pop())
            elif target in way:
                circle = way[way.index(target):]
                first = circle.index(min(circle))
                return [*circle[first:], *circle[:first + 1]]
            else:
                way.append(target)
                stack.append((target, iter(sorted(imports.get(target, ())))))
        done.add(start)
    return None


def circle_faults(root):
    imports = collections.defaultdict(set)
    for path in sources(root):
        name = str(path.with_suffix(""))
        imports[name] |= {str(pathlib.Path(include).with_suffix("")) for include in includes(root, path)} - {name}
    if circle := find_circle(imports):
        yield f"a circle of files: {' -> '.join(circle)}"


def functions(text):
    """(first line, number of lines) of each function: from a line that begins in column 0 to a "}" alone there."""
    lines = text.split("\n")
    for end, line in enumerate(lines):
        if line != "}":
            continue
        start = end - 1
        # Inside a function only labels and preprocessor lines begin in column 0.
        while start >= 0 and (not re.match(r"[A-Za-z_]", lines[start]) or re.fullmatch(r"\w+:.*", lines[start])):
            if lines[start].startswith("}"):
                break
            start -= 1
        if start >= 0 and not lines[start].startswith(("}", "extern", "namespace")):
            yield start + 1, end - start + 1


def size_faults(root):
    folders = collections.Counter()
    for path in sources(root):
        text = (root / path).read_text()
        folders[path.parent] += 1
        if (count := len(text.splitlines())) > LINES_MAX:
            yield f"{path}: {count} lines; a file has at most {LINES_MAX}"
        for line, count in functions(text):
            if count > FUNCTION_LINES_MAX:
                yield f"{path}:{line}: a function of {count} lines; at most {FUNCTION_LINES_MAX}"
    for folder, count in sorted(folders.items()):
        if count > FILES_MAX:
            yield f"{folder}: {count} sources and headers; a folder has at most {FILES_MAX}"


# Work off the loop goes through core/base/lanes/work.h: libuv's own pool is one queue for all, where readers stall the line.
FORBIDDEN = {r"\buv_queue_work\b|\buv_work_t\b|UV_THREADPOOL_SIZE": "use insp_work (core/base/lanes/work.h), not libuv's pool"}


def forbidden_words(root):
    for path in sources(root):
        text = (root / path).read_text()
        for pattern, way_out in FORBIDDEN.items():
            if found := re.search(pattern, text):
                yield f"{path}: has {found[0]}: {way_out}"


# A check that protects something, or a loop around a system call that is easily got wrong, exists once.
ONLY_IN = {
    r"\bsqlite3_prepare\w*\(": (["core/store/sql.c"], "use insp_sql_prepare (core/store/sql.h)"),
    r"\bflock\(": (["core/base/fs.c"], "use insp_lock or insp_lock_file (core/base/fs.h)"),
    r"\b(?:realpath|openat2)\(": (["core/base/below.c", "core/compute/torch/cpu.cpp"],
                                 "use insp_resolve or insp_resolve_below (core/base/below.h)"),
    r"\breadlink\(": (["core/base/fs.c"], "use insp_find_installed (core/base/fs.h)"),
    r"(?<![\w.>])read\(\w*fd\b": (["core/base/fs.c"], "use insp_read_all (core/base/fs.h)"),
    r"\bpthread_create\(": (["core/base/lanes/thread.c"], "use insp_thread_start (core/base/lanes/thread.h)"),
    r"(?i)0x9e3779b97f4a7c15": (["core/base/splitmix.h"], "use insp_splitmix (core/base/splitmix.h)"),
    r"\bMHD_queue_response\(": (["api/server/error_pages.c"], "use api_queue_response: by that name the library is known"),
    r'"%\.\*g"': (["core/base/float_text.c"], "use insp_float_text (core/base/float_text.h)"),
}


# Debian 12 has Node.js 18; a newer one on the developer's machine hides these.
AFTER_NODE_18 = (r"\.(?:toSorted|toReversed|toSpliced)\(|\b(?:Object|Map)\.groupBy\(|\bArray\.fromAsync\(|\bPromise\.withResolvers\("
                 r"|\bimport\.meta\.(?:dirname|filename)\b|\bnavigator\.hardwareConcurrency\b")


def scripts_too_new(root):
    for path in sorted([*(root / "tests").rglob("*.mjs"), *(root / "api").rglob("*.js")]):
        if "node_modules" not in path.parts and (found := re.search(AFTER_NODE_18, path.read_text())):
            yield f"{path.relative_to(root)}: has {found[0]}, which Debian 12's Node.js 18 does not know"


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)


def doubles(root):
    for path in sources(root):
        text = without_comments((root / path).read_text())
        for pattern, (files, way_out) in ONLY_IN.items():
            if str(path) not in files and (found := re.search(pattern, text)):
                yield f"{path}: has {found[0]}: {way_out}"


def untested_sources(root):
    for path in sources(root):
        if path.suffix in (".h", ".hpp"):
            continue
        if (root / "tests/unit" / f"test_{path.stem}.c").exists():
            if str(path) in COVERED_ELSEWHERE:
                yield f"{path}: has a unit test now; take it out of COVERED_ELSEWHERE"
        elif str(path) not in COVERED_ELSEWHERE:
            yield f"{path}: has no tests/unit/test_{path.stem}.c"


def lonely_headers(root):
    for path in sources(root):
        if path.suffix != ".h":
            continue
        run = subprocess.run(
            ["cc", "-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-I", str(root), "-x", "c", "-"],
            input=f'#include "{path}"\n', text=True, capture_output=True, cwd=root)
        if run.returncode or run.stderr:
            yield f"{path}: does not compile alone:\n{run.stderr}"


def wrong_names(root):
    for path in sources(root):
        text = (root / path).read_text()
        named = re.match(r"/\* (\S+\.[ch](?:pp)?) - ", text)
        if named and named[1] != str(path):
            yield f"{path}: its first line calls it {named[1]}"
        guard = re.search(r"^#ifndef (INSP_\w+_H)\n#define \1$", text, re.M)
        parts = path.parts[1:] if path.parts[0] == "core" else path.parts
        if guard and guard[1] != (wanted := re.sub(r"\W", "_", "_".join(["INSP", *parts])).upper()):
            yield f"{path}: its guard is {guard[1]}, not {wanted}"


def hand_quoted_logs(root):
    for path in sources(root):
        for call in re.finditer(r'\binsp_log(?:_\w+)?\((?:[^;"]|"(?:\\.|[^"\\])*")*\);', (root / path).read_text()):
            if re.search(r'\\"%[-.0-9]*s\\"', call[0]):
                yield f"{path}: a log line with \\\"%s\\\": pass INSP_LOG_QUOTED(text) for %s, or INSP_LOG_WORD(text) for one word"


# Folders whose comments follow CONTRIBUTING's style. To add one, append it (with all below it) and mend what the rule reports.
PLAIN_ENGLISH = ["core/base", "core/image", "core/region", "core/compute", "core/good_only", "core/model", "core/store", "core/heat",
                 "core/inspect", "core/line", "core/serving", "core/dataset", "core/judge", "core/train", "core/report", "core/jobs",
                 "api", "daemon", "tests"]

# A sentence needs a noun that exists in the code as its subject: not "What was not used for longest goes first".
NO_NOUN = re.compile(r"(?:^|[.;:!?] +)((?:What|Where|Whoever|Those|Whatever|Whichever)\b|Whether [^.;:]* (?:is|are|was|were)\b)[^.]*")

# Words that only their author understands -> words that the glossary of ARCHITECTURE.md or the language has.
PRIVATE_WORDS = {
    r"\b(?:the|a|last|latest|newest|first|operator's|people's) words?\b(?! (?:of|in) )": "label (or: token, field)",
    r"\btaken? in\b": "imported, read",
    r"\b(?:is|are|was|were|be) told\b|\btold (?:at once|by|in)\b": "reported, logged",
    r"\bleap(?:s|t|ing)?\b": "seek, advance",
    r"\bof (?:ours|(?:its|their|his) own)\b": "a noun or adjective: separate, the daemon's",
    r"\bballast\b": "unused",
    r"\barrows?\b": "hand-over, stage",
    r"\bwhoever\b": "the caller, the user",
    r"\b(?:is|are) (?:not )?well\b(?=[.,;:]|$)": "passes, is healthy",
    r"\b(?:nobody|somebody) waits\b": "no client waits, the client has left",
}


def comments(text):
    """Each comment as one line of plain text, with the number of its first line."""
    for found in re.finditer(r'"(?:\\.|[^"\\\n])*"|/\*(.*?)\*/|//([^\n]*)', text, re.S):
        body = found[1] if found[1] is not None else found[2]
        if body is not None:
            yield text.count("\n", 0, found.start()) + 1, " ".join(re.sub(r"^[ \t]*\*", "", body, flags=re.M).split())


# A header begins "path - verb object": not "what the pool does", "the rules of retention", "a flag in shared memory".
NO_VERB = re.compile(r"\S+\.(?:h|hpp) - (?:what|how|where|which|whether|who|why|the|an?|one|those|all|its|every|each|of|from|in|on)\b")


# A row of a list ("  name  meaning") that clang-format has drawn into the paragraph before: that paragraph was too wide.
SWALLOWED_ROW = re.compile(r"^ \* \S.*\S  +\S", re.M)


def swallowed_rows(root):
    for folder in ("core", "api", "daemon", "tests"):
        for path in sorted(p for suffix in ("*.c", "*.h", "*.cpp", "*.hpp") for p in (root / folder).rglob(suffix)):
            text = path.read_text()
            for found in SWALLOWED_ROW.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                yield f"{path.relative_to(root)}:{line}: two blanks within a sentence: give the parameter a line of its own"


def language_faults(root, folders=None):
    for folder in PLAIN_ENGLISH if folders is None else folders:
        for path in sorted(p for suffix in ("*.c", "*.h", "*.cpp", "*.hpp") for p in (root / folder).rglob(suffix)):
            for line, comment in comments(path.read_text()):
                place = f"{path.relative_to(root)}:{line}"
                if (found := re.match(r"((?:core|api|daemon|tests)/\S+) - ", comment)) and found[1] != str(path.relative_to(root)):
                    yield f"{place}: names another file: {found[1]}"
                if found := NO_VERB.match(comment):
                    yield f"{place}: the header does not begin with a verb: \"{found[0]}...\""
                if found := NO_NOUN.search(comment):
                    yield f"{place}: a subject without a noun: \"{found[0].strip('.;:!? ')[:70]}...\""
                for pattern, way_out in PRIVATE_WORDS.items():
                    if found := re.search(pattern, comment):
                        yield f"{place}: \"{found[0]}\": say {way_out}"


RULES = [direction_faults, circle_faults, size_faults, forbidden_words, doubles, untested_sources, wrong_names,
         lonely_headers, scripts_too_new, hand_quoted_logs, swallowed_rows, language_faults]


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    faults = [fault for rule in RULES for fault in rule(root)]
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"structure: {len(list(sources(root)))} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
