// RFC 9110, section 13: If-Match and If-None-Match of requests that change something. The tag of an entity is its revision.
using System.Globalization;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Scheduler.Actors;

namespace Scheduler.Host.Api;

/// <summary>What a request demands of the entity that it changes.</summary>
internal static class Preconditions
{
    /// <summary>The tag of a revision.</summary>
    /// <param name="revision">The revision.</param>
    /// <returns>For <c>ETag</c>.</returns>
    public static EntityTagHeaderValue TagOf(long revision) => new($"\"{revision.ToString(CultureInfo.InvariantCulture)}\"");

    /// <summary>Holds them against the entity as it is.</summary>
    /// <param name="request">The request.</param>
    /// <param name="what">The entity, in words.</param>
    /// <param name="now">It; null if there is none.</param>
    /// <returns>Whether there are any: who has none is content with any later revision too.</returns>
    /// <exception cref="ApiRefusal">One is not met, or can't be read.</exception>
    public static bool Check(HttpRequest request, string what, CatalogEntry? now)
    {
        IList<EntityTagHeaderValue>? match = Read(HeaderNames.IfMatch, request.Headers.IfMatch);
        IList<EntityTagHeaderValue>? noneMatch = Read(HeaderNames.IfNoneMatch, request.Headers.IfNoneMatch);
        if (match is not null && !(now is not null && match.Any(tag => tag.Equals(EntityTagHeaderValue.Any) || tag.Compare(TagOf(now.Revision), useStrongComparison: true))))
        {
            throw Failed(
                now is null ? $"there is no {what}, and If-Match demands one" : $"{what} has revision {now.Revision}, which If-Match does not name: look at what has changed, then try again");
        }

        if (noneMatch is not null && now is not null && noneMatch.Any(tag => tag.Equals(EntityTagHeaderValue.Any) || tag.Compare(TagOf(now.Revision), useStrongComparison: false)))
            throw Failed($"there is a {what} already, of revision {now.Revision}, and If-None-Match forbids that");
        return match is not null || noneMatch is not null;
    }

    private static IList<EntityTagHeaderValue>? Read(string header, StringValues values)
    {
        if (values.Count == 0)
            return null;
        return EntityTagHeaderValue.TryParseStrictList(values, out IList<EntityTagHeaderValue>? tags) && tags.Count > 0
            ? tags
            : throw new ApiRefusal(
                StatusCodes.Status400BadRequest, $"{header} is {ApiRefusal.Shown(values.ToString())}; write a revision in quotes, as ETag has it, or *");
    }

    private static ApiRefusal Failed(string detail) => new(StatusCodes.Status412PreconditionFailed, detail);
}
