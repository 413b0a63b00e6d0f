# What benchmarks share: the instructions that hpx and its rivals take, what builds need, medians.
set -eu
: "${BUILD:=build}"

# What tests pin is not what a user has.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE OPENBLAS_NUM_THREADS HPX_STORE HPX_MAP_SIZE HPX_VECTOR
# VECTOR=avx2: all of them as on a processor that has no more; avx512, or nothing: as wide as there are.
rival=train_plain
case ${VECTOR:=} in
avx2)
    rival=train_plain_avx2
    export HPX_VECTOR=avx2 OPENBLAS_CORETYPE=Haswell ATEN_CPU_CAPABILITY=avx2 DNNL_MAX_CPU_ISA=AVX2
    ;;
avx512) export HPX_VECTOR=avx512 ;;
?*)
    echo "VECTOR is '$VECTOR': expected avx2 or avx512" >&2
    exit 2
    ;;
esac

# As HPX_DATA or cache/data has it.
need_mnist() {
    make --no-print-directory BUILD="$BUILD" "$BUILD/hpx" >&2
    if ! "$BUILD/hpx" data verify mnist >/dev/null 2>&1; then
        echo "MNIST is missing in ${HPX_DATA:-cache/data}; \`hpx data fetch mnist\` gets it" >&2
        exit 77
    fi
}

# Whole builds: two processors and MNIST are needed; a scratch folder.
prepare_builds() {
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    if [[ $(nproc) -lt 2 ]]; then
        echo 'two processors are needed' >&2
        exit 77
    fi
    need_mnist
}

median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
