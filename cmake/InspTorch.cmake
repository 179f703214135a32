# libtorch: Debian's libtorch-dev, Debian contrib's libtorch-cuda-dev, or PyTorch's own by CMAKE_PREFIX_PATH.
# Defines the interface target insp_torch.
find_package(Torch QUIET)
if(NOT Torch_FOUND)
  message(FATAL_ERROR "libtorch is missing: apt-get install libtorch-dev, or point CMAKE_PREFIX_PATH at PyTorch's "
    "own libtorch folder (or run ./dev build)")
endif()
add_library(insp_torch INTERFACE)
target_link_libraries(insp_torch INTERFACE ${TORCH_LIBRARIES})
target_include_directories(insp_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
