using Scheduler.Storage.Lvm;

namespace Scheduler.Storage.Tests.Lvm;

/// <summary>Whatever a device holds: a group comes out, or the documented exception; and memory stays bounded.</summary>
public sealed class LvmFuzzTests
{
    // The image has a metadata area of 1 MiB.
    private const long AllocatedMax = 16 << 20;
    private const int Runs = 2000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Changed_bytes_under_right_checksums(int seed)
    {
        string volumes = VolumeTexts.Special + VolumeTexts.Visible("origin", 30, VolumeTexts.Linear(0, "pv0", 2));
        PvImage image = new(0, PvImage.Group(volumes, sequence: 12));
        using TemporaryDirectory directory = new();
        byte[] whole = [.. image.Bytes];
        int text = image.Text.Length;
        image.Save(directory.File("pv0"));
        Random random = new(seed);
        int read = 0;
        for (int run = 0; run < Runs; run++)
        {
            whole.CopyTo(image.Bytes, 0);
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                int at = random.Next(8) switch
                {
                    0 => PvImage.LabelAt + random.Next(20, 160),
                    1 => PvImage.AreaAt + random.Next(4, 64),
                    _ => PvImage.AreaAt + 512 + random.Next(text),
                };
                image.Bytes[at] = random.Next(3) switch
                {
                    0 => (byte)random.Next(256),
                    1 => (byte)(image.Bytes[at] ^ (1 << random.Next(8))),
                    _ => (byte)"{}[]=\",#0 9-\\\n"[random.Next(14)],
                };
            }

            image.Seal();
            using (FileStream file = File.OpenWrite(directory.File("pv0")))
                file.Write(image.Bytes.AsSpan(0, PvImage.AreaAt + 512 + text));
            if (Read(directory.File("pv0")) != null)
                read++;
        }

        // Most changes hit a text in a way that matters; many hit a name or a comment.
        Assert.InRange(read, Runs / 20, Runs * 19 / 20);
    }

    [SkippableFact]
    public void Changed_bytes_and_truncation_of_what_the_tools_wrote()
    {
        using LvmTools tools = new(2);
        tools.CreateGroup();
        tools.CreateVolume("linear", "--size", "8M", "vg");
        tools.CreateVolume("striped", "--size", "16M", "--stripes", "2", "vg");
        string path = tools.Image(0);
        long metadata = 32 << 10;
        byte[] whole = new byte[metadata];
        using (FileStream file = File.OpenRead(path))
            file.ReadExactly(whole);
        Random random = new(3);
        for (int run = 0; run < Runs; run++)
        {
            byte[] bytes = [.. whole];
            for (int change = random.Next(1, 6); change > 0; change--)
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            bool cut = random.Next(4) == 0;
            using (FileStream file = File.OpenWrite(path))
            {
                file.Write(bytes);
                file.SetLength(cut ? random.Next(bytes.Length) : LvmTools.DeviceSize);
            }

            VolumeGroup? group = Read(path);

            // Under the tools' checksums no change goes unnoticed; a group that is read is the one that was written.
            if (group != null)
                Assert.Equal([true, false], group.LogicalVolumes.Select(volume => volume.Refusal == null));
        }
    }

    private static VolumeGroup? Read(string path)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        VolumeGroup? group = null;
        try
        {
            group = LvmGroupReader.Read([path]);
            foreach (LogicalVolume volume in group.LogicalVolumes.Where(volume => volume.Refusal == null))
                RequireSound(group, volume);
        }
        catch (VolumeOpenException e)
        {
            Assert.DoesNotContain(e.Message, char.IsControl);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllocatedMax);
        return group;
    }

    private static void RequireSound(VolumeGroup group, LogicalVolume volume)
    {
        long end = 0;
        foreach (LvmSegment segment in volume.Segments)
        {
            Assert.Equal(end, segment.DiskOffset);
            end += segment.Length;
            long last = segment.DiskOffset + segment.Length - 4096;
            foreach (LvmExtent extent in (LvmExtent[])[segment.Map(segment.DiskOffset, 4096), segment.Map(last, 4096)])
            {
                Assert.Equal(0, (extent.DeviceOffset | extent.Length) % 4096);
                Assert.InRange(extent.DeviceOffset, 1 << 20, group.PhysicalVolumes[extent.PhysicalVolume].Size - extent.Length);
            }
        }

        Assert.Equal(volume.Size, end);
    }
}
