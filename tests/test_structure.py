"""Each rule of structure.py finds what it is for: a small tree that is sound, then the same tree with one fault."""
import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import structure

SOUND = {
    "core/base/error.h": '#ifndef E\n#define E\nint insp_error(void);\n#endif\n',
    "core/base/error.c": '#include "core/base/error.h"\n\nint insp_error(void) {\n    return 0;\n}\n',
    "core/store/row.h": '#ifndef R\n#define R\n#include "core/base/error.h"\nint insp_row(void);\n#endif\n',
    "core/store/row.c": '#include "core/store/row.h"\n\nint insp_row(void) {\n    return insp_error();\n}\n',
    "api/http/answer.c": '#include "core/store/row.h"\n\nint api_answer(void) {\n    return insp_row();\n}\n',
    "daemon/run.c": "int daemon_run(void) {\n    return 0;\n}\n",
    "tests/unit/test_error.c": "",
    "tests/unit/test_row.c": "",
    "tests/unit/test_answer.c": "",
    "tests/unit/test_run.c": "",
}


def body(lines):
    """A function of so many lines."""
    return "int daemon_long(int a,\n                int b) {\n" + "    a += b;\n" * (lines - 3) + "}\n"


def crowd(count):
    return {f"daemon/part_{i}.h": "" for i in range(count)}


FAULTS = [
    # what is written over the sound tree, what is said
    ({"core/store/row.c": '#include "api/http/answer.h"\n', "api/http/answer.h": ""}, "against the direction"),
    ({"core/base/error.c": '#include "core/store/row.h"\n'}, "against the direction"),
    ({"core/store/row.c": '#include "core/store/none.h"\n'}, "which is not there"),
    ({"core/store/row.c": '#include "row.h"\n'}, "from the root"),
    # row.c -> list.h, list.c -> row.h: no header includes the other, and yet neither file stands alone
    ({"core/store/row.c": '#include "core/store/list.h"\n', "core/store/list.h": "",
      "core/store/list.c": '#include "core/store/row.h"\n', "tests/unit/test_list.c": ""},
     "a circle of files: core/store/list -> core/store/row -> core/store/list"),
    ({"core/store/a.h": '#include "core/store/b.h"\n', "core/store/b.h": '#include "core/store/c.h"\n',
      "core/store/c.h": '#include "core/store/a.h"\n'},
     "a circle of files: core/store/a -> core/store/b -> core/store/c -> core/store/a"),
    ({"daemon/run.c": "\n" * 501}, "501 lines; a file has at most 500"),
    ({"daemon/run.c": body(61)}, "daemon/run.c:1: a function of 61 lines"),
    ({"daemon/run.cpp": "namespace {\n" + body(61) + "} // namespace\n"}, "daemon/run.cpp:2: a function of 61 lines"),
    ({"daemon/run.c": body(61).replace("    a += b;\n", "again:\n#if 1\n    a += b;\n", 1)},
     "daemon/run.c:1: a function of 63 lines"),
    (crowd(24), "daemon: 25 sources and headers; a folder has at most 24"),
    ({"daemon/new.c": ""}, "has no tests/unit/test_new.c"),
    ({"daemon/main.c": "", "tests/unit/test_main.c": ""}, "take it out of COVERED_ELSEWHERE"),
    ({"core/store/row.h": "/* core/base/row.h - rows. */\n"}, "its first line calls it core/base/row.h"),
    ({"core/store/row.h": "#ifndef INSP_BASE_ROW_H\n#define INSP_BASE_ROW_H\n#endif\n"}, "not INSP_STORE_ROW_H"),
    ({"core/store/row.h": "struct insp_row { insp_unknown x; };\n"}, "does not compile alone"),
    ({"daemon/run.c": "uv_queue_work(loop);\n"}, "has uv_queue_work"),
    ({"daemon/run.c": "int r = sqlite3_prepare_v2(db, sql, -1, &s, NULL);\n"}, "has sqlite3_prepare_v2("),
    ({"daemon/run.c": "while (flock(fd, LOCK_EX) < 0)\n"}, "has flock("),
    ({"daemon/run.c": "if (!realpath(path, resolved))\n"}, "has realpath("),
    ({"daemon/run.c": "pthread_create(&thread, NULL, run, NULL);\n"}, "has pthread_create("),
    ({"daemon/run.c": "ssize_t n = readlink(path, target, bytes);\n"}, "insp_find_installed"),
    ({"daemon/run.c": "ssize_t n = read(fd, data, bytes);\n"}, "has read(fd"),
    ({"daemon/run.c": 'snprintf(text, bytes, "%.*g", digits, value);\n'}, "insp_float_text"),
    ({"daemon/run.c": "uint64_t z = (*state += 0x9e3779b97f4a7c15u);\n"}, "insp_splitmix"),
    ({"core/base/error.h": "/* core/base/error.h - the codes of errors. */\n"}, "does not begin with a verb"),
    ({"core/base/error.c": "/* What is not used goes. */\n"}, "a subject without a noun"),
    ({"tests/unit/test_error.c": "/* Where no file is: an error. */\n"}, "tests/unit/test_error.c:1: a subject"),
    ({"core/base/error.c": "/* Each arrow hands the job over. */\n"}, "say hand-over"),
    ({"core/base/error.h": "/* Fails with a code.\n * It is late. code  above 0 */\n"}, "two blanks within a sentence"),
    ({"tests/browser/test_row.mjs": "const sorted = ids.toSorted();\n"}, "tests/browser/test_row.mjs: has .toSorted("),
    ({"daemon/run.c": 'insp_log_info("left name=\\"%s\\"", name);\n'}, "INSP_LOG_QUOTED"),
]


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def faults(root):
    return [fault for rule in structure.RULES for fault in rule(root)]


def test_a_sound_tree_has_no_fault(tmp_path):
    write(tmp_path, SOUND)
    assert faults(tmp_path) == []


@pytest.mark.parametrize("files, said", FAULTS, ids=[said for _, said in FAULTS])
def test_fault(tmp_path, files, said):
    write(tmp_path, SOUND | files)
    assert [fault for fault in faults(tmp_path) if said in fault]


# As much as is allowed, and what only looks like a fault
@pytest.mark.parametrize("files", [
    {"daemon/run.c": "\n" * 500},
    {"daemon/run.c": body(60)},
    {"daemon/run.c": "static const int table[] = {\n" + "    1,\n" * 70 + "};\n\n" + body(5)},
    {"daemon/run.c": "struct many {\n" + "    int a;\n" * 70 + "};\n"},
    {"daemon/run.c": 'extern "C" {\n' + "int f(void);\n" * 70 + "}\n"},
    {"daemon/run.c": body(40) + "\n" + body(40)},
    crowd(23),
    {"daemon/run.c": "/* libuv's own pool would take flock(fd) and realpath(path) */\n"},
    {"core/store/row.c": '#include "core/store/row.h"\n#include "core/store/row.h"\n'},
])
def test_no_fault(tmp_path, files):
    write(tmp_path, SOUND | files)
    assert faults(tmp_path) == []


def test_every_rule_has_a_tree_that_breaks_it(tmp_path):
    broken = set()
    for i, (files, _) in enumerate(FAULTS):
        root = tmp_path / str(i)
        write(root, SOUND | files)
        broken |= {rule.__name__ for rule in structure.RULES if list(rule(root))}
    assert broken == {rule.__name__ for rule in structure.RULES}


def test_exit_code_and_report(tmp_path):
    script = pathlib.Path(structure.__file__)
    write(tmp_path, SOUND)
    run = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True)
    assert run.returncode == 0 and re.search(r"6 files, 0 faults", run.stdout)
    write(tmp_path, {"core/base/error.c": '#include "core/store/row.h"\n'})
    run = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True)
    assert run.returncode == 1 and "against the direction" in run.stderr


def test_the_folders_above_a_checkout_exclude_no_source(tmp_path):
    """cmake/InspLibrary.cmake leaves out the sources below torch/, and nothing else."""
    library = tmp_path / "torch" / "model"
    for name in "model.c", "heat/map.c", "torch/cpu.c":
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).touch()
    (library / "CMakeLists.txt").write_text(f"""
        cmake_minimum_required(VERSION 3.25)
        project(checkout LANGUAGES NONE)
        include("{pathlib.Path(__file__).parents[1]}/cmake/InspLibrary.cmake")
        function(add_library)
          message("${{ARGN}}")
        endfunction()
        function(target_link_libraries)
        endfunction()
        function(set_target_properties)
        endfunction()
        insp_library(insp_model)
    """)
    done = subprocess.run(["cmake", "-S", library, "-B", tmp_path / "build"], capture_output=True, text=True, check=True)
    listed = [line for line in done.stderr.splitlines() if line.startswith("insp_model;STATIC")]
    assert len(listed) == 1, done.stderr
    sources = listed[0].split(";")[2:]
    assert sorted(name.removeprefix(f"{library}/") for name in sources) == ["heat/map.c", "model.c"]
