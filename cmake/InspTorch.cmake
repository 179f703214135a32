# Finds libtorch: Debian's libtorch-dev (12: 1.13, 13: 2.6), contrib's libtorch-cuda-dev, or PyTorch's own by
# CMAKE_PREFIX_PATH (the libtorch folder, or the output of torch.utils.cmake_prefix_path).
#
# It looks for headers and libraries directly. TorchConfig.cmake would require protobuf, gflags, glog and the CUDA toolkit's
# compilers, which a user of the C++ interface does not need and which Debian's packages do not depend on.
#
# Defines the interface target insp_torch, with INSP_TORCH_CUDA if libtorch was built for CUDA.
set(insp_torch_hints "")
foreach(prefix ${CMAKE_PREFIX_PATH})
  list(APPEND insp_torch_hints "${prefix}" "${prefix}/../..")
endforeach()
find_path(INSP_TORCH_INCLUDE ATen/ATen.h HINTS ${insp_torch_hints} PATH_SUFFIXES include)
find_path(INSP_TORCH_API_INCLUDE torch/version.h HINTS ${insp_torch_hints} ${INSP_TORCH_INCLUDE}
  PATH_SUFFIXES torch/csrc/api/include include/torch/csrc/api/include include)
foreach(name torch torch_cpu c10)
  find_library(INSP_LIB_${name} ${name} HINTS ${insp_torch_hints} PATH_SUFFIXES lib)
endforeach()
if(NOT INSP_TORCH_INCLUDE OR NOT INSP_TORCH_API_INCLUDE OR NOT INSP_LIB_torch OR NOT INSP_LIB_torch_cpu OR NOT INSP_LIB_c10)
  message(FATAL_ERROR "libtorch is missing: apt-get install libtorch-dev, or point CMAKE_PREFIX_PATH at PyTorch's "
    "own libtorch folder (or run ./dev build)")
endif()
file(STRINGS "${INSP_TORCH_API_INCLUDE}/torch/version.h" insp_torch_version REGEX "^ *(#define TORCH_VERSION +)?\"")
string(REGEX REPLACE ".*\"(.*)\".*" "\\1" insp_torch_version "${insp_torch_version}")
get_filename_component(insp_torch_folder "${INSP_LIB_torch_cpu}" DIRECTORY)

# Headers of 2.12 and later are C++20; those of 1.13 are not.
set(insp_torch_standard 17)
if(insp_torch_version VERSION_GREATER_EQUAL 2.12)
  set(insp_torch_standard 20)
endif()

add_library(insp_torch INTERFACE)
target_compile_features(insp_torch INTERFACE cxx_std_${insp_torch_standard})
# PyTorch's archives leave functions of libraries beside them undefined that nothing here calls.
target_link_options(insp_torch INTERFACE -Wl,--allow-shlib-undefined)
target_include_directories(insp_torch SYSTEM INTERFACE "${INSP_TORCH_INCLUDE}" "${INSP_TORCH_API_INCLUDE}")
target_link_libraries(insp_torch INTERFACE "${INSP_LIB_torch}" "${INSP_LIB_torch_cpu}" "${INSP_LIB_c10}"
  ${CMAKE_DL_LIBS} Threads::Threads)

# PyTorch's own archives up to 2.5 use the old C++ string; their CMake file says so.
file(GLOB insp_torch_config "${insp_torch_folder}/cmake/Torch/TorchConfig.cmake"
  "${insp_torch_folder}/../share/cmake/Torch/TorchConfig.cmake")
foreach(file ${insp_torch_config})
  file(STRINGS "${file}" insp_old_abi REGEX "_GLIBCXX_USE_CXX11_ABI=0")
  if(insp_old_abi)
    target_compile_definitions(insp_torch INTERFACE _GLIBCXX_USE_CXX11_ABI=0)
  endif()
endforeach()

# The CUDA library registers itself when it is loaded, so the linker must not drop it although nothing refers to it.
find_library(INSP_LIB_torch_cuda torch_cuda HINTS "${insp_torch_folder}" NO_DEFAULT_PATH)
find_library(INSP_LIB_c10_cuda c10_cuda HINTS "${insp_torch_folder}" NO_DEFAULT_PATH)
if(INSP_LIB_torch_cuda AND INSP_LIB_c10_cuda)
  # The runtime's headers and library are enough: FindCUDAToolkit would require nvcc, which nothing here needs.
  # PyTorch's wheels bring both in packages beside torch/: nvidia/cuda_runtime (CUDA 12), nvidia/cu13.
  file(GLOB insp_cuda_wheels "${insp_torch_folder}/../../nvidia/cuda_runtime" "${insp_torch_folder}/../../nvidia/cu[0-9]*")
  find_path(INSP_CUDA_INCLUDE cuda_runtime_api.h HINTS ENV CUDA_HOME /usr/local/cuda ${insp_cuda_wheels} PATH_SUFFIXES include)
  find_library(INSP_LIB_cudart NAMES cudart libcudart.so.13 libcudart.so.12 libcudart.so.11.0 HINTS "${insp_torch_folder}"
    ${insp_cuda_wheels} ENV CUDA_HOME /usr/local/cuda PATH_SUFFIXES lib64 lib)
  if(NOT INSP_CUDA_INCLUDE OR NOT INSP_LIB_cudart)
    message(FATAL_ERROR "libtorch was built for CUDA, but the CUDA runtime is missing: apt-get install nvidia-cuda-dev, "
      "or set CUDA_HOME")
  endif()
  target_include_directories(insp_torch SYSTEM INTERFACE "${INSP_CUDA_INCLUDE}")
  target_compile_definitions(insp_torch INTERFACE INSP_TORCH_CUDA)
  target_link_libraries(insp_torch INTERFACE "${INSP_LIB_c10_cuda}"
    "-Wl,--push-state,--no-as-needed,${INSP_LIB_torch_cuda},--pop-state" "${INSP_LIB_cudart}")
  message(STATUS "libtorch ${insp_torch_version} with CUDA: ${INSP_LIB_torch_cuda}")
else()
  message(STATUS "libtorch ${insp_torch_version}, CPU only: ${INSP_LIB_torch_cpu}")
endif()

# update-alternatives chooses the BLAS of Debian's libtorch. The reference BLAS is 60 times slower. (insp_device_open also
# refuses it, because the alternative can change after the build.)
if(EXISTS "${insp_torch_folder}/libblas.so.3")
  file(REAL_PATH "${insp_torch_folder}/libblas.so.3" insp_blas)
  if(insp_blas MATCHES "/blas/libblas\\.so")
    message(FATAL_ERROR "libblas.so.3 is the reference BLAS (${insp_blas}), 60 times slower than OpenBLAS: "
      "apt-get install libopenblas0-openmp, or choose it with update-alternatives --config "
      "libblas.so.3-${CMAKE_LIBRARY_ARCHITECTURE}")
  endif()
endif()
