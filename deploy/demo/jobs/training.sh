# Asks for eight GPUs, which no executor here has: it waits, and its reason says so.
echo "training on GPUs $CUDA_VISIBLE_DEVICES"
