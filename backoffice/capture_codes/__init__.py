"""Capture codes (学信网图像采集码): reading the picture, decoding the text, issuing demo codes.

The real code is encrypted for licensed collectors, so decoding is an adapter behind one small
protocol (CONTRACT section 6).
"""
