"""What decides each claim of the paper: one module a chapter, one function a claim.

The claim ``volume-law-diffusive`` of chapter ``05_entanglement_scaling`` is evaluated by
``verdicts.entanglement_scaling.volume_law_diffusive(data)``, which takes the folder of the stored tables and returns a
`Finding`. Functions compute their verdict from numbers, by `finding.compared` where a number is claimed.
"""
