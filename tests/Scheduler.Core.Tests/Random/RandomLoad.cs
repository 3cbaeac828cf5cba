using FsCheck;
using FsCheck.Fluent;

namespace Scheduler.Core.Tests.Random;

/// <summary>A random volume and what happens to it.</summary>
/// <param name="Volume">Seed of the volume.</param>
/// <param name="Commands">One number for each thing that happens.</param>
public sealed record RandomLoad(int Volume, uint[] Commands)
{
    internal static Arbitrary<RandomLoad> Arbitrary { get; } = Arb.From(Generator(), Shorter);

    /// <summary>As it can be pasted into a test.</summary>
    public override string ToString() => $"new RandomLoad({Volume}, [{string.Join(", ", Commands)}])";

    private static Gen<RandomLoad> Generator() =>
        from volume in Gen.Choose(0, int.MaxValue - 1)
        from length in Gen.Choose(1, 300)
        from seed in Gen.Choose(0, int.MaxValue - 1)
        select new RandomLoad(volume, Numbers(seed, length));

    private static uint[] Numbers(int seed, int length)
    {
        System.Random random = new(seed);
        uint[] numbers = new uint[length];
        for (int i = 0; i < length; i++)
            numbers[i] = (uint)random.NextInt64(1L << 32);
        return numbers;
    }

    // Leaves out ever smaller runs of commands.
    private static IEnumerable<RandomLoad> Shorter(RandomLoad load)
    {
        for (int run = load.Commands.Length / 2; run > 0; run /= 2)
        {
            for (int start = 0; start + run <= load.Commands.Length; start += run)
                yield return load with { Commands = [.. load.Commands[..start], .. load.Commands[(start + run)..]] };
        }
    }
}
