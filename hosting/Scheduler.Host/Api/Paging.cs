using System.Globalization;

namespace Scheduler.Host.Api;

/// <summary>Which part of a list is asked for.</summary>
internal static class Paging
{
    /// <summary>Items if nothing is said.</summary>
    public const int LimitDefault = 100;

    /// <summary>Most items of an answer.</summary>
    public const int LimitMax = 1_000;

    /// <summary>The number of items that <c>?limit=</c> asks for.</summary>
    /// <param name="text">Its value; null if it is not there.</param>
    /// <returns>1 to <see cref="LimitMax"/>.</returns>
    /// <exception cref="ApiRefusal">It is something else.</exception>
    public static int Limit(string? text) => (int)Number("limit", text, 1, LimitMax, LimitDefault);

    /// <summary>A number of the query.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="text">Its value; null if it is not there.</param>
    /// <param name="min">Lowest value.</param>
    /// <param name="max">Highest value.</param>
    /// <param name="absent">The value if it is not there.</param>
    /// <returns>The value.</returns>
    /// <exception cref="ApiRefusal">It is something else.</exception>
    public static long Number(string name, string? text, long min, long max, long absent) =>
        text is null ? absent
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number >= min && number <= max ? number
        : throw new ApiRefusal(StatusCodes.Status400BadRequest, $"{name} is '{ApiRefusal.Shown(text)}'; it has to be a whole number from {min} to {max}");

    /// <summary>A part of a list that is sorted by name.</summary>
    /// <typeparam name="T">What is listed.</typeparam>
    /// <param name="sorted">All from the first wanted one on.</param>
    /// <param name="limit">Items of the part.</param>
    /// <param name="nameOf">Name of an item.</param>
    /// <returns>The part, and the name of its last item if more follow.</returns>
    public static Page<T> Cut<T>(IEnumerable<T> sorted, int limit, Func<T, string> nameOf)
    {
        List<T> items = [.. sorted.Take(limit + 1)];
        if (items.Count <= limit)
            return new Page<T>(items, null);
        items.RemoveAt(limit);
        return new Page<T>(items, nameOf(items[^1]));
    }
}

/// <summary>A part of a list.</summary>
/// <typeparam name="T">What is listed.</typeparam>
/// <param name="Items">The part.</param>
/// <param name="Next">To be given as <c>?after=</c> for the next part; null: there is none.</param>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? Next);
