# Convolutional networks beside PyTorch's with the same weights: logits, losses and gradients.
. "$(dirname "$0")/common.sh"

test_pytorch_gives_the_same_numbers() {
    local vector
    needs torch
    for vector in plain avx2 avx512; do
        ! HPX_VECTOR=$vector hpx --version >/dev/null 2>&1 ||
            run 0 env HPX_VECTOR=$vector python3 "$SOURCE_ROOT/tests/cli/cnn_torch.py" "${HPX%/*}/tests/cli/cnn_numbers"
    done
}

run_tests
