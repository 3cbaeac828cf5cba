namespace Scheduler.Storage.Calibration;

/// <summary>Looks for what would be lost if a device were written to.</summary>
internal static class StoredData
{
    private const int HeadBytes = 1 << 20;
    private const int SampleBytes = 64 << 10;
    private const int Samples = 256;

    // What is at the beginning of things that people keep (libblkid's list is the long one).
    private static readonly (int Offset, byte[] Bytes, string Name)[] _signatures =
    [
        (512, "EFI PART"u8.ToArray(), "a GPT partition table"),
        (4096, "EFI PART"u8.ToArray(), "a GPT partition table"),
        (1080, [0x53, 0xef], "an ext file system"),
        (0, "XFSB"u8.ToArray(), "an XFS file system"),
        (65_600, "_BHRfS_M"u8.ToArray(), "a Btrfs file system"),
        (3, "NTFS    "u8.ToArray(), "an NTFS file system"),
        (0, [0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe], "a LUKS volume"),
        (4086, "SWAPSPACE2"u8.ToArray(), "swap space"),
        (0, [0x51, 0x46, 0x49, 0xfb], "a qcow2 image"),
        (4096, [0xfc, 0x4e, 0x2b, 0xa9], "an md array"),
        (512, "LABELONE"u8.ToArray(), "an LVM2 physical volume"),
        (0, "LABELONE"u8.ToArray(), "an LVM2 physical volume"),
        (510, [0x55, 0xaa], "an MBR partition table, or a FAT file system"),
    ];

    /// <summary>Says what is there.</summary>
    /// <param name="runner">Reads the device.</param>
    /// <param name="size">Bytes of the device.</param>
    /// <param name="holesKnown">Whether the device tells what is allocated, as a file does.</param>
    /// <returns>What was found, in a few words; null if the device is empty: a file with nothing allocated, or a device that has
    /// nothing but zeroes in its first and last MiB and at 256 places between.</returns>
    public static string? Find(LoadRunner runner, long size, bool holesKnown)
    {
        // Whatever the map says: an image on a file system that does not know holes is full of zeroes.
        string? head = FindIn(runner, 0, (int)Math.Min(HeadBytes, size));
        if (head is not null)
            return head;
        if (holesKnown)
            return FirstAllocated(runner, size) is { } offset ? $"allocated data, the first at byte {offset}" : null;
        long end = Math.Max(0, size - HeadBytes) / SampleBytes * SampleBytes;
        string? tail = FindIn(runner, end, (int)(size - end));
        if (tail is not null)
            return tail;
        for (int i = 1; i <= Samples; i++)
        {
            long offset = size / (Samples + 1) * i / SampleBytes * SampleBytes;
            if (offset + SampleBytes <= size && FindIn(runner, offset, SampleBytes) is { } found)
                return found;
        }

        return null;
    }

    private static string? FindIn(LoadRunner runner, long offset, int length)
    {
        int at = 0;
        while (at < length)
        {
            int part = Math.Min(length - at, LoadRunner.BytesMax);
            _ = runner.Once(DeviceOp.Read, offset + at, part);
            ReadOnlySpan<byte> content = runner.Content(part);
            if (offset + at == 0)
            {
                foreach ((int place, byte[] bytes, string name) in _signatures)
                {
                    if (content.Length >= place + bytes.Length && content.Slice(place, bytes.Length).SequenceEqual(bytes))
                        return name;
                }
            }

            int different = content.IndexOfAnyExcept((byte)0);
            if (different >= 0)
                return $"data, at byte {offset + at + different}";
            at += part;
        }

        return null;
    }

    private static long? FirstAllocated(LoadRunner runner, long size)
    {
        for (long offset = 0; offset < size;)
        {
            _ = runner.Once(DeviceOp.Status, offset, size - offset);
            long before = offset;
            for (int i = 0; i < AllocationMap.Count(runner.Buffer); i++)
            {
                (long length, bool hole) = AllocationMap.Run(runner.Buffer, i);
                if (!hole)
                    return offset;
                offset += length;
            }

            if (offset == before)
                return offset;
        }

        return null;
    }
}
