// The ideal that a policy is measured against: reservations first (Q3), then the rest by weight (Q2), nobody more than its
// limit or than it can use; what one does not take, the others share (max-min fairness, by water-filling: with a common
// level L each guest gets min(cap, reservation + L * weight), and L is such that the device is used up).
namespace Scheduler.Simulation;

/// <summary>What guests that are alike may claim.</summary>
/// <param name="Count">How many they are.</param>
/// <param name="Weight">Weight of each; above 0.</param>
/// <param name="Reservation">Reservation of each, in the unit of the capacity.</param>
/// <param name="Cap">Most that each can get: its limit, or what it uses alone.</param>
internal readonly record struct Claim(int Count, double Weight, double Reservation, double Cap);

/// <summary>Ideal shares of a device.</summary>
internal static class IdealShares
{
    /// <summary>Fills.</summary>
    /// <param name="claims">Who claims.</param>
    /// <param name="capacity">What there is.</param>
    /// <returns>What each guest of each claim gets.</returns>
    public static double[] Fill(ReadOnlySpan<Claim> claims, double capacity)
    {
        double[] reserved = new double[claims.Length];
        double[] shares = new double[claims.Length];
        double rest = capacity;
        for (int i = 0; i < claims.Length; i++)
        {
            reserved[i] = Math.Min(claims[i].Reservation, claims[i].Cap);
            rest -= claims[i].Count * reserved[i];
        }

        if (rest <= 0)
        {
            // More is reserved than there is: all reservations are met to the same part.
            double part = capacity / (capacity - rest);
            return [.. reserved.Select(reservation => reservation * part)];
        }

        // Those who are full soonest leave what they do not take to the others.
        int[] order = [.. Enumerable.Range(0, claims.Length)];
        double[] fullAt = new double[claims.Length];
        double weights = 0;
        for (int i = 0; i < claims.Length; i++)
        {
            fullAt[i] = (claims[i].Cap - reserved[i]) / claims[i].Weight;
            weights += claims[i].Count * claims[i].Weight;
        }

        Array.Sort((double[])fullAt.Clone(), order);
        foreach (int i in order)
        {
            double level = Math.Min(fullAt[i], rest / weights);
            shares[i] = reserved[i] + (level * claims[i].Weight);
            rest = Math.Max(0, rest - (level * claims[i].Weight * claims[i].Count));
            weights -= claims[i].Count * claims[i].Weight;
        }

        return shares;
    }
}
