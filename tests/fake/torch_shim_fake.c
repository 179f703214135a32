#include "core/model/torch_shim.h"
