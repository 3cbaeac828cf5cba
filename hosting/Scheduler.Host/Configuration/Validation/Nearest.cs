namespace Scheduler.Host.Configuration;

/// <summary>Finds what someone who mistyped a name may have meant.</summary>
internal static class Nearest
{
    /// <summary>
    /// The table of distances grows with the product of the lengths; no known name is as long as this.
    /// </summary>
    private const int LengthMax = 128;

    /// <summary>The candidate with the smallest edit distance, if it is small for the length of the name.</summary>
    /// <param name="name">As typed.</param>
    /// <param name="candidates">Known names.</param>
    /// <returns>The nearest, or null if none is near.</returns>
    public static string? To(string name, IEnumerable<string> candidates)
    {
        if (name.Length > LengthMax)
            return null;
        string? best = null;
        int bestDistance = 2 + (name.Length / 4);
        foreach (string candidate in candidates)
        {
            int distance = Distance(name, candidate);
            if (distance >= bestDistance || distance >= candidate.Length)
                continue;
            best = candidate;
            bestDistance = distance;
        }

        return best;
    }

    /// <summary>Levenshtein distance without regard to case.</summary>
    private static int Distance(string a, string b)
    {
        int[] previous = [.. Enumerable.Range(0, b.Length + 1)];
        int[] current = new int[b.Length + 1];
        for (int i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                bool same = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]);
                int replaced = previous[j - 1] + (same ? 0 : 1);
                current[j] = Math.Min(replaced, Math.Min(previous[j], current[j - 1]) + 1);
            }

            (previous, current) = (current, previous);
        }

        return previous[b.Length];
    }
}
