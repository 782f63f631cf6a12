"""From a switch's or array's own words to the kernel's shapes. Pure: bytes and objects in, values out."""
