# fma and fmaf for QEMU's emulation of fused multiply-add, with the upper halves of the vector registers cleared first
# (see fma.py). System V calling convention: operands in xmm0, xmm1 and xmm2, result in xmm0; no register is kept.
        .text
        .globl  fmaf
        .type   fmaf, @function
fmaf:   vzeroupper
        vfmadd213ss %xmm2, %xmm1, %xmm0
        ret
        .size   fmaf, . - fmaf

        .globl  fma
        .type   fma, @function
fma:    vzeroupper
        vfmadd213sd %xmm2, %xmm1, %xmm0
        ret
        .size   fma, . - fma

        .section .note.GNU-stack, "", @progbits
