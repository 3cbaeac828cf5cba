using Scheduler.Actors;

namespace Scheduler.Host.Api;

/// <summary>A request is refused: it ends as problem details.</summary>
/// <param name="status">HTTP status.</param>
/// <param name="detail">What is wrong with which value, and what helps.</param>
internal sealed class ApiRefusal(int status, string detail) : Exception(detail)
{
    /// <summary>Most characters of a value that a problem repeats.</summary>
    private const int ShownMax = 80;

    /// <summary>HTTP status.</summary>
    public int Status { get; } = status;

    /// <summary>The refusal that a refusal of the catalog is.</summary>
    /// <param name="refusal">What the catalog says.</param>
    /// <returns>To be thrown.</returns>
    public static ApiRefusal Of(CatalogRefusal refusal) => new(
        refusal.Problem switch
        {
            CatalogProblem.Invalid => StatusCodes.Status400BadRequest,
            CatalogProblem.NotFound => StatusCodes.Status404NotFound,
            CatalogProblem.RevisionDiffers => StatusCodes.Status412PreconditionFailed,
            CatalogProblem.Declared or CatalogProblem.InUse or CatalogProblem.Full => StatusCodes.Status409Conflict,
            CatalogProblem.Unavailable => StatusCodes.Status503ServiceUnavailable,
            _ => throw new ArgumentException($"problem {refusal.Problem} is of no known kind", nameof(refusal)),
        },
        refusal.Reason);

    /// <summary>A value of a request as a problem shows it: bounded, and nothing in it breaks the line.</summary>
    /// <param name="value">The value.</param>
    /// <returns>For a message.</returns>
    public static string Shown(string value) => OnOneLine(value.Length <= ShownMax ? value : value[..ShownMax] + "...");

    /// <summary>As problem details.</summary>
    /// <returns>The answer.</returns>
    public IResult ToResult() => Results.Problem(OnOneLine(Message), statusCode: Status);

    private static string OnOneLine(string text) =>
        text.Any(Breaks) ? string.Concat(text.Select(c => Breaks(c) ? '\uFFFD' : c)) : text;

    private static bool Breaks(char c) => char.IsControl(c) || c is '\u2028' or '\u2029' || char.IsSurrogate(c);
}
