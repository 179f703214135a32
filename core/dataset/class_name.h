/* core/dataset/class_name.h - names of a dataset's class folders. Pure; any thread. */
#ifndef INSP_DATASET_CLASS_NAME_H
#define INSP_DATASET_CLASS_NAME_H

#include <stdbool.h>

/* Says in words what insp_class_name_valid wants. */
#define INSP_CLASS_NAME_RULE                                                                                      \
    "1 to 64 bytes of text without control characters, '/' or '\\\\', not starting with a dot, and no name that an "      \
    "operating "                                                                                                  \
    "system or a NAS uses"

/* True for a name that a new class, or the defect of a label, may have: INSP_CLASS_NAME_RULE. */
bool insp_class_name_valid(const char *name);

/* True where a folder's name says good: good and ok, in any case. */
bool insp_class_name_good(const char *name);

/* True for entries that an operating system or a NAS leaves in every folder: @eaDir, Thumbs.db, lost+found... */
bool insp_class_name_system(const char *name);

#endif
